"""The calls of a program that name a file, as strace tells them.

Each of them may be a question to the server of names of a file system. A client that keeps the
answers asks once for each path; one that keeps none asks each time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# 31640 openat(AT_FDCWD, "/a/b.py", O_RDONLY|O_CLOEXEC) = 3
_CALL = re.compile(r'^(?:\d+ +)?(\w+)\((?:(?:AT_FDCWD|\d+), )?"([^"]*)".*\) += (-?\d+)')
_OPENS = {"open", "openat", "openat2"}
_OF_THE_NODE = ("/proc/", "/sys/", "/dev/", "/etc/", "/run/")  # of each node itself


@dataclass(frozen=True)
class FileCalls:
    """What a program asked about files on disks that nodes may share."""

    times: Counter[str]
    """How often it asked about each path, with those that are absent."""
    n_absent: int
    """Questions that were answered with: there is no such file."""
    opened: frozenset[str]

    @property
    def n_calls(self) -> int:
        """All questions."""
        return self.times.total()

    def about(self, path: Path) -> int:
        """How often it asked about one path."""
        return self.times[str(path)]

    def megabytes(self) -> float:
        """Of all files that were opened."""
        return sum(os.stat(path).st_size for path in self.opened if os.path.isfile(path)) / 1e6

    def compiled(self) -> int:
        """Files that were opened and are shared libraries, which no archive of modules can hold."""
        return sum(".so" in Path(path).name for path in self.opened)

    def by_package(self) -> Counter[str]:
        """How many files of each package were opened; Python's own as one."""
        return Counter(map(_package, self.opened))


def read(lines: Iterable[str]) -> FileCalls:
    """Count the calls in what strace wrote."""
    times: Counter[str] = Counter()
    opened, n_absent = set(), 0
    for line in lines:
        call = _CALL.match(line)
        if call is None or call[2].startswith(_OF_THE_NODE):
            continue
        name, path, answer = call.groups()
        times[path] += 1
        if int(answer) < 0:
            n_absent += 1
        elif name in _OPENS:
            opened.add(path)
    return FileCalls(times, n_absent, frozenset(opened))


def trace(command: Sequence[str], cwd: Path, scratch: Path, **variables: str) -> FileCalls:
    """Run a program and its threads, and count the calls.

    Raises
    ------
    FileNotFoundError
        If there is no strace.
    """
    told = scratch / "calls.txt"
    _run(["-e", "trace=%file", "-o", str(told)], command, cwd, variables)
    with told.open(encoding="utf-8", errors="replace") as lines:
        return read(lines)


def slowed(command: Sequence[str], cwd: Path, microseconds: int) -> float:
    """Seconds of a program each of whose calls that name a file waits so long."""
    wait = ["-e", f"inject=%file:delay_enter={microseconds}"] if microseconds else []
    start = time.perf_counter()
    _run(["-e", "trace=%file", *wait, "-o", os.devnull], command, cwd, {})
    return time.perf_counter() - start


def _run(
    options: Sequence[str], command: Sequence[str], cwd: Path, variables: dict[str, str]
) -> None:
    if shutil.which("strace") is None:
        raise FileNotFoundError("no strace: it tells which files a rank asks for")
    subprocess.run(
        ["strace", "-f", "-qq", "--seccomp-bpf", *options, *command],
        cwd=cwd,
        env=os.environ | variables,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _package(path: str) -> str:
    after = path.partition("/site-packages/")[2]
    if after:
        return after.partition("/")[0].removesuffix(".py")
    return "Python" if re.search(r"/python3\.\d+/", path) else "system"
