"""A virtual environment of a user who has Python and nothing else: no compiler, MPI, or git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What a shell script and mpiexec may want.
_COMMANDS = (
    *("env", "bash", "sh", "cat", "ls", "sed", "grep", "rm", "mkdir", "dirname", "basename"),
    *("uname", "id", "nproc"),
)
# How pip reaches its index here.
_OF_PIP = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class FreshEnvironment:
    """The environment, and what its installation took."""

    directory: Path
    variables: dict[str, str]
    seconds: float  # of the installation, downloads included
    megabytes: float  # of 2^20 bytes, of what was installed
    bytecode: float  # the same of what Python compiled of it, a cache

    @classmethod
    def make(
        cls, directory: Path, home: Path, wheel: Path, extras: Sequence[str] = ()
    ) -> FreshEnvironment:
        """Make it with the base interpreter of this one, and install the wheel with pip."""
        commands = directory / "commands"
        commands.mkdir()
        for name in _COMMANDS:
            if found := shutil.which(name):
                (commands / name).symlink_to(found)
        venv = directory / "venv"
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", venv], check=True)
        variables = {
            "HOME": str(home),
            "PATH": f"{venv / 'bin'}:{commands}",
            "LANG": "C.UTF-8",
            **{name: value for name, value in os.environ.items() if name.startswith(_OF_PIP)},
        }
        before, compiled_before = _sizes(venv)
        start = time.perf_counter()
        what = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
        made = cls(venv, variables, 0.0, 0.0, 0.0)
        ended = made.run("pip", "install", "--quiet", what, cwd=directory)
        assert ended.returncode == 0, ended.stderr
        seconds = time.perf_counter() - start
        after, compiled_after = _sizes(venv)
        return cls(venv, variables, seconds, after - before, compiled_after - compiled_before)

    def run(self, program: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment as from a terminal; what it printed, and its status."""
        return subprocess.run(
            [self.directory / "bin" / program, *map(str, arguments)],
            cwd=cwd,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def has(self, command: str) -> bool:
        """Tell whether a command is on PATH."""
        return shutil.which(command, path=self.variables["PATH"]) is not None


def _sizes(directory: Path) -> tuple[float, float]:
    """The size of the files in a directory, and of compiled bytecode, in units of 2^20 bytes."""
    sizes = [0, 0]
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes[path.suffix == ".pyc"] += path.stat().st_size
    return sizes[0] / 2**20, sizes[1] / 2**20
