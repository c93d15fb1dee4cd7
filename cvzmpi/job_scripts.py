"""The scripts that start jobs: in `jobs/` of a checkout, and in an installed package."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.errors import ConfigError

_PACKAGE = Path(__file__).parent


def job_script(name: str) -> Path:
    """The path of a script, as `run_in_slurm.sh`.

    Raises
    ------
    ConfigError
        If it is not there.
    """
    for directory in (_PACKAGE / "jobs", _PACKAGE.parent / "jobs"):
        if (path := directory / name).is_file():
            return path
    raise ConfigError(f"{_PACKAGE}: no job script {name} was installed with it: install it anew")
