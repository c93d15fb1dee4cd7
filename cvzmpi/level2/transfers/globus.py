"""Transfers by Globus, between a collection that shows files of this machine and another one.

Globus moves the files itself, without this process. It compares the checksums of source and
destination before (files that are the same stay) and after it sends a file. Its API is described
at https://docs.globus.org/api/transfer/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import ConfigError, TransferError, TransferUnavailableError, one_line
from cvzmpi.extras import needs
from cvzmpi.level2.configuration import secret
from cvzmpi.level2.transfer_settings import GlobusConfig
from cvzmpi.level2.transfers.transfer import (
    Fetch,
    TaskState,
    TaskStatus,
    Transfer,
    plain_path,
)
from cvzmpi.messages.foreign_json import plain

if TYPE_CHECKING:
    from globus_sdk import TransferClient, TransferData

CLIENT_ID = "CVZMPI_GLOBUS_CLIENT_ID"
CLIENT_SECRET = "CVZMPI_GLOBUS_CLIENT_SECRET"
"""Environment variables with the credentials of an application that is registered at Globus."""

TOKEN = "CVZMPI_GLOBUS_TOKEN"
"""Environment variable with an access token for transfers; it wins over the credentials."""

_MOST_DIRECTORIES = 1000  # that are listed, of one source or destination
_MAX_LABEL = 128
_LATER = {401, 408, 409, 429}  # statuses that say nothing about the transfer, as do those from 500
_CONSENT = "ConsentRequired"
_STATES = {"SUCCEEDED": TaskState.SUCCEEDED, "FAILED": TaskState.FAILED}


class Globus:
    """Transfers between the collection of this machine and another one.

    Parameters
    ----------
    settings : GlobusConfig
    collection : str
        The id of the other collection.
    path : str
        The path in it that destinations and sources are relative to.

    Raises
    ------
    ConfigError
        If the environment has no credentials.
    MissingPackageError
        If the SDK of Globus is not installed.
    """

    pause = 5.0

    def __init__(self, settings: GlobusConfig, collection: str, path: str) -> None:
        if not secret(TOKEN) and not (secret(CLIENT_ID) and secret(CLIENT_SECRET)):
            raise ConfigError(
                f"Globus needs {CLIENT_ID} and {CLIENT_SECRET}, or {TOKEN}, in the environment"
            )
        with needs("globus"):
            import globus_sdk
        self._sdk = globus_sdk
        self._settings = settings
        self._collection = collection
        self._path = path

    @cached_property
    def client(self) -> TransferClient:
        """The client of the Transfer API; the first use may ask for a token."""
        sdk = self._sdk
        with self._asking("credentials"):
            authorizer: Any
            if token := secret(TOKEN):
                authorizer = sdk.AccessTokenAuthorizer(token)
            else:
                credentials = secret(CLIENT_ID), secret(CLIENT_SECRET)
                application = sdk.ConfidentialAppAuthClient(*credentials)
                scope = sdk.TransferClient.scopes.all
                authorizer = sdk.ClientCredentialsAuthorizer(application, scope)
            client = sdk.TransferClient(authorizer=authorizer)
        client.retry_config.max_retries = self._settings.retries
        return client

    def new_submission(self) -> str:
        """A submission id of Globus.

        Raises
        ------
        TransferUnavailableError
        """
        with self._asking("new submission"):
            return str(self.client.get_submission_id()["value"])

    def submit(self, transfer: Transfer | Fetch, submission: str) -> str:
        """Begin a transfer; the same submission again is the same task.

        Raises
        ------
        TransferError
            If Globus refuses it, or a file is not below the directory that Globus sees.
        """
        request = self._request(transfer, submission)
        with self._asking(str(transfer)):
            return str(self.client.submit_transfer(request)["task_id"])

    def status(self, task: str) -> TaskStatus:
        """The status of a task; while it has faults, Globus goes on trying.

        Raises
        ------
        TransferUnavailableError
        """
        with self._asking(f"task {task}"):
            try:
                document = self.client.get_task(task)
            except self._sdk.GlobusAPIError as error:
                if error.http_status == 404:
                    return TaskStatus(TaskState.UNKNOWN, f"Globus knows no task {task}")
                raise
            state = _STATES.get(document["status"], TaskState.ACTIVE)
            return TaskStatus(state, self._in_words(task, document))

    def sizes(self, directory: str) -> dict[str, int]:
        """The sizes of the files in a directory of the other collection.

        Raises
        ------
        TransferError
        """
        top = f"{self._there(directory)}/"
        found: dict[str, int] = {}
        waiting = [""]
        n_listed = 0
        while waiting:
            inside = waiting.pop()
            n_listed += 1
            if n_listed > _MOST_DIRECTORIES:
                raise TransferError(f"{directory}: more than {_MOST_DIRECTORIES} directories")
            for entry in self._list(top + inside):
                name = plain_path(inside + entry["name"])
                if entry["type"] == "dir":
                    waiting.append(f"{name}/")
                else:
                    found[name] = int(entry["size"])
        return found

    def _list(self, path: str) -> list[dict[str, Any]]:
        with self._asking(f"listing of {path}"):
            try:
                listed = self.client.operation_ls(self._collection, path=path)
                return [dict(entry) for entry in listed]
            except self._sdk.GlobusAPIError as error:
                if error.http_status == 404:
                    return []
                raise

    def _request(self, transfer: Transfer | Fetch, submission: str) -> TransferData:
        here, there = self._settings.here_collection, self._collection
        source, target = (here, there) if isinstance(transfer, Transfer) else (there, here)
        request = self._sdk.TransferData(
            source,
            target,
            label=re.sub(r"[^\w ,-]", "_", f"cvzmpi {transfer}", flags=re.ASCII)[:_MAX_LABEL],
            submission_id=submission,
            sync_level="checksum",
            verify_checksum=True,
            encrypt_data=True,
            notify_on_succeeded=False,
        )
        if isinstance(transfer, Transfer):
            where = self._there(transfer.destination)
            for file in transfer.files:
                request.add_item(self._here(file), f"{where}/{file.name}")
        else:
            source_path, directory = self._there(transfer.source), self._here(transfer.directory)
            request.add_item(f"{source_path}/", f"{directory}/", recursive=True)
        return request

    def _there(self, directory: str) -> str:
        """The path of a directory in the other collection."""
        return f"{self._path.rstrip('/')}/{plain_path(directory).rstrip('/')}"

    def _here(self, path: Path) -> str:
        """The path of a file of this machine in the collection that shows it."""
        top = self._settings.here_directory.resolve()
        place = path.resolve()
        if not place.is_relative_to(top):
            raise TransferError(f"{place}: not below {top}, which Globus sees")
        return f"{self._settings.here_path.rstrip('/')}/{place.relative_to(top).as_posix()}"

    def _in_words(self, task: str, document: Any) -> str:
        """The status of a task in words: why it failed, or what holds it up."""
        error = document.get("fatal_error") or {}
        words = [error.get("code"), error.get("description")]
        if not any(words):
            words = [document.get("nice_status"), document.get("nice_status_details")]
        if not any(words) and document.get("faults"):
            events = self.client.task_event_list(task, limit=10)
            faults = [event for event in events if event.get("is_error")]
            words = [part for event in faults[:1] for part in (event["code"], event["description"])]
        return plain(": ".join(str(word) for word in words if word), 300)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn the SDK's errors into those of transfers.

        Raises
        ------
        TransferUnavailableError
            If Globus does not answer, has no time, or does not accept the credentials.
        TransferError
            If it refuses the request.
        """
        try:
            yield
        except self._sdk.GlobusAPIError as error:
            later = error.http_status in _LATER or error.http_status >= 500
            later = later or error.code == _CONSENT
            kind = TransferUnavailableError if later else TransferError
            message = plain(f"{error.http_status} {error.code}: {error.message}", 300)
            hint = "; see the credentials in the environment" if error.http_status == 401 else ""
            raise kind(f"Globus: {what}: {message}{hint}") from error
        except self._sdk.NetworkError as error:
            raise TransferUnavailableError(f"Globus: {what}: {one_line(error)}") from error
