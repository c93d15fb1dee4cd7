"""A git repository of inversion code, and a server with a page for each of its commits."""

import subprocess
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.loopback import served_on_loopback

_WHO = ("-c", "user.name=Jane", "-c", "user.email=jane@localhost")


class CodeRepository:
    """A repository in a directory.

    Attributes
    ----------
    answer : int or None
        The status of all answers; None asks git.
    moved_to : str or None
        Where requests are sent, in place of an answer.
    """

    def __init__(self, directory):
        self.directory = directory
        self.answer = None
        self.moved_to = None
        self.asked = []
        self.url = ""
        self.git("init", "--quiet")

    def git(self, *arguments):
        """What git prints."""
        command = ["git", "-C", str(self.directory), *_WHO, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message="the inversion code"):
        """Make a commit; its hash."""
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def has(self, commit):
        """Tell whether git knows the commit."""
        command = ["git", "-C", str(self.directory), "cat-file", "-e", f"{commit}^{{commit}}"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def serving(repository):
    """Serve pages `/code/commit/<hash>` on loopback, for as long as the context lasts."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            repository.asked.append(self.path)
            if repository.moved_to is not None and self.path != repository.moved_to:
                self.send_response(302)
                self.send_header("Location", repository.moved_to)
            elif repository.answer is not None:
                self.send_response(repository.answer)
            else:
                place, _, commit = self.path.rpartition("/")
                there = place == "/code/commit" and repository.has(commit)
                self.send_response(200 if there else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with served_on_loopback(Pages) as address:
        repository.url = f"{address}/code"
        yield repository
