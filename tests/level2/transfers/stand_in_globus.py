"""A stand-in for the Transfer API and the token service of Globus, on loopback.

It moves files between directories, one each time that a task is asked for. Its answers are those
that the SDK has captured (`globus_sdk.testing`), with other values; what it does follows the API's
description, https://docs.globus.org/api/transfer/: a submission that comes twice is one task, and
a task that is over its retries is FAILED with a `fatal_error`.
"""

import base64
import copy
import hashlib
import json
import shutil
import threading
import uuid
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from globus_sdk.testing import get_response_set

from tests.loopback import served_on_loopback

TOKEN = "a-token-that-must-not-be-shown"
CLIENT = ("8e7b3b0c-0d5e-4b4e-8f6e-1f6f0f0f0f0f", "a-secret-that-must-not-be-shown")
HERE, THERE = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def captured(name, case="default"):
    """An answer of Globus, as the SDK has captured it."""
    return copy.deepcopy(get_response_set(name).lookup(case).json)


class StandInGlobus:
    """Tasks between collections, which are directories."""

    def __init__(self, collections):
        self.collections = {name: Path(directory) for name, directory in collections.items()}
        self.tasks = {}  # documents, by id
        self.submissions = {}  # task ids, by submission
        self.requests = []  # method and path
        self.asked_for = []  # transfer documents that were sent
        self.failures = []  # for each request: (status, headers, document), or None for none
        self.lost_answers = 0  # requests that are carried out and not answered
        self.holds = 0  # questions for a task during which it stays active, with a fault
        self.fatal_error = None  # of tasks from now on
        self.truncates = False  # a task is SUCCEEDED though its last file is not whole
        self._left = {}  # pairs of paths that a task has still to bring
        self._lock = threading.Lock()

    def forget(self, submissions=False):
        """Forget all tasks, and perhaps their submissions."""
        with self._lock:
            self.tasks.clear()
            if submissions:
                self.submissions.clear()

    def reply(self, method, target, headers, body):
        """Status, headers and document of the reply; None where the answer gets lost."""
        with self._lock:
            url = urlsplit(target)
            self.requests.append((method, url.path))
            if self.failures and (failure := self.failures.pop(0)) is not None:
                return failure
            status, document = self._carry_out(method, url, headers, body)
            if self.lost_answers and method == "POST":
                self.lost_answers -= 1
                return None
            return status, {}, document

    def _carry_out(self, method, url, headers, body):
        if url.path == "/v2/oauth2/token":
            return self._token(headers)
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, error("AuthenticationFailed", "Token is not valid")
        match url.path.strip("/").split("/")[1:]:
            case ["submission_id"]:
                return 200, captured("transfer.get_submission_id") | {"value": str(uuid.uuid4())}
            case ["transfer"]:
                return self._submit(json.loads(body))
            case ["task", task]:
                return self._task(task)
            case ["task", task, "event_list"]:
                return 200, self._events(task)
            case ["operation", "endpoint", collection, "ls"]:
                return self._list(collection, parse_qs(url.query)["path"][0])
        return 404, error("ClientError.NotFound", f"{method} {url.path}")

    def _token(self, headers):
        given = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        if given != ":".join(CLIENT):
            return 401, {"error": "invalid_client"}
        return 200, captured("auth.oauth2_client_credentials_tokens") | {"access_token": TOKEN}

    def _submit(self, document):
        self.asked_for.append(document)
        answer = captured("transfer.submit_transfer")
        submission = document["submission_id"]
        known = self.submissions.get(submission)
        if known is not None:
            answer |= {"code": "Duplicate", "task_id": known, "submission_id": submission}
            return 202, answer
        task = str(uuid.uuid4())
        self.submissions[submission] = task
        (self.tasks[task],) = captured("transfer.task_list")["DATA"]
        self.tasks[task] |= {
            "task_id": task,
            "status": "ACTIVE",
            "completion_time": None,
            "label": document["label"],
            "source_endpoint_id": document["source_endpoint"],
            "destination_endpoint_id": document["destination_endpoint"],
            "sync_level": document["sync_level"],
            "encrypt_data": document["encrypt_data"],
            "files": 0,
            "files_transferred": 0,
            "files_skipped": 0,
            "faults": 0,
        }
        self._left[task] = list(self._pairs(document))
        self.tasks[task]["files"] = len(self._left[task])
        return 202, answer | {"task_id": task, "submission_id": submission}

    def _pairs(self, document):
        source = self.collections[document["source_endpoint"]]
        target = self.collections[document["destination_endpoint"]]
        for item in document["DATA"]:
            one, other = (
                root / item[key].lstrip("/")
                for root, key in ((source, "source_path"), (target, "destination_path"))
            )
            if not item.get("recursive"):
                yield one, other
                continue
            for file in sorted(one.rglob("*")):
                if file.is_file():
                    yield file, other / file.relative_to(one)

    def _task(self, task):
        if task not in self.tasks:
            return 404, error("TaskNotFound", f"No task with id '{task}'")
        document = self.tasks[task]
        if document["status"] == "ACTIVE":
            self._go_on(task, document)
        return 200, document

    def _go_on(self, task, document):
        """Bring the next file."""
        if self.holds > 0:
            self.holds -= 1
            document["faults"] += 1
            return
        if self.fatal_error is not None:
            document |= {"status": "FAILED", "fatal_error": self.fatal_error}
            return
        if self._left[task]:
            source, target = self._left[task].pop(0)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not source.exists():
                document |= {"nice_status": "FILE_NOT_FOUND", "faults": document["faults"] + 1}
                self._left[task].insert(0, (source, target))
                return
            if target.exists() and digest(target) == digest(source):
                document["files_skipped"] += 1
            else:
                shutil.copyfile(source, target)
                document["files_transferred"] += 1
        if not self._left[task]:
            document["status"] = "SUCCEEDED"
            if self.truncates:
                target.write_bytes(target.read_bytes()[:-1])

    def _events(self, task):
        event = {
            "DATA_TYPE": "event",
            "code": "PERMISSION_DENIED",
            "description": "Permission denied",
            "details": "Error (transfer)",
            "is_error": True,
            "time": "2026-11-28T20:00:00+00:00",
        }
        faulty = self.tasks[task]["faults"] > 0
        return {"DATA_TYPE": "event_list", "DATA": [event] if faulty else []}

    def _list(self, collection, path):
        directory = self.collections[collection] / path.lstrip("/")
        if not directory.is_dir():
            return 404, captured("transfer.operation_stat", "not_found")
        entry = captured("transfer.operation_stat")
        data = [
            entry
            | {
                "name": inside.name,
                "type": "dir" if inside.is_dir() else "file",
                "size": inside.stat().st_size,
            }
            for inside in sorted(directory.iterdir())
        ]
        return 200, {"DATA_TYPE": "file_list", "path": path, "DATA": data, "length": len(data)}


def error(code, message):
    """The document of an error."""
    return captured("transfer.operation_stat", "not_found") | {"code": code, "message": message}


def digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


@contextmanager
def serving(globus):
    """The stand-in at `globus.url`, on a port of loopback that the system chooses."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = globus.reply(self.command, self.path, self.headers, body)
            if reply is None:
                self.close_connection = True
                return
            status, headers, document = reply
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            with suppress(ConnectionError):  # whoever asked may have been killed
                self.end_headers()
                self.wfile.write(content)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def log_message(self, *args):
            pass

    with served_on_loopback(Handler) as address:
        globus.url = f"{address}/"
        yield globus
