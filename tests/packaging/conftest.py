"""The wheel as it is published: built from the source distribution, which is built from a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.packaging.fresh_environment import FreshEnvironment

_NOT_OF_THE_SOURCE = shutil.ignore_patterns(
    ".git", ".venv*", ".setup", ".*_cache", "__pycache__", "*.egg-info", "build", "demo", "_build"
)


@dataclass(frozen=True)
class Distributions:
    """The source distribution and the wheel that is built from it."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """Both distributions of what is here."""
    directory = tmp_path_factory.mktemp("distributions")
    source = directory / "source"
    shutil.copytree(ROOT, source, symlinks=True, ignore=_NOT_OF_THE_SOURCE)
    build = "import sys, setuptools.build_meta as b; print(b.build_sdist(sys.argv[1]))"
    _done([sys.executable, "-c", build, directory], cwd=source)
    (sdist,) = directory.glob("*.tar.gz")
    wheel_of = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    _done([*wheel_of, "--wheel-dir", directory, sdist], cwd=directory)
    (wheel,) = directory.glob("*.whl")
    return Distributions(sdist, wheel)


def _done(command, cwd):
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="session")
def fresh(distributions, tmp_path_factory):
    """Make a virtual environment with the wheel, and the extras that are named."""
    home = tmp_path_factory.mktemp("home")  # pip's cache is in it, at first empty

    def make(*extras):
        directory = tmp_path_factory.mktemp("-".join(["fresh", *extras]))
        return FreshEnvironment.make(directory, home, distributions.wheel, extras)

    return make


@pytest.fixture(scope="session")
def plain(fresh):
    """The virtual environment after `pip install cvzmpi`."""
    return fresh()


@pytest.fixture
def tell(capsys):
    """Print a figure that decides nothing."""

    def tell(line):
        with capsys.disabled():
            print(f"{os.linesep}    {line}", end="", flush=True)

    return tell
