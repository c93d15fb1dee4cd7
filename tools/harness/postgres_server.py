"""A real PostgreSQL server for a test: it has a directory and a socket of its own, and no port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_SUPERUSER = "cvzmpi"
_DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path | None:
    """The directory with `initdb` and `postgres`, if they are installed."""
    candidates = [directory / "bin" for directory in sorted(_DEBIAN.glob("*"), reverse=True)]
    if (found := shutil.which("initdb")) is not None:
        candidates.append(Path(found).parent)
    for directory in candidates:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    return None


class PostgresServer:
    """A server that can be stopped, killed and started again. Use as a context, or `remove` it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="cvzmpi-pg-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, object] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            user = _unprivileged()
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        command = [programs / "initdb", "-D", self._data, "-U", _SUPERUSER, "-A", "trust", "-N"]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=self.directory,
            **self._as_user,  # type: ignore[call-overload]
        )

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [self._programs / "postgres", "-D", self._data, "-k", self.directory]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                **self._as_user,  # type: ignore[call-overload]
            )
        give_up = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < give_up, (self.directory / "log").read_text()
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT at once but in order, SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        """Stop it, without bringing its databases to disk, and delete all that it had."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def make_database(self, name: str) -> str:
        """Make a database; its URL."""
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, user: str = _SUPERUSER) -> str:
        """The URL of a database, as it stands in a configuration."""
        return f"postgresql://{user}@/{database}?host={self.directory}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement, as the owner of everything."""
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            connection.execute(statement)

    def _conninfo(self, database: str) -> str:
        return f"host={self.directory} user={_SUPERUSER} dbname={database}"


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
