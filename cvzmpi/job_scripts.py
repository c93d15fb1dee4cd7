"""The scripts that start jobs; they travel in the package, in its directory `jobs`."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.errors import ConfigError

_JOBS = Path(__file__).parent / "jobs"


def job_script(name: str) -> Path:
    """The path of a script, as `run_in_slurm.sh`.

    Raises
    ------
    ConfigError
        If it is not there.
    """
    if (path := _JOBS / name).is_file():
        return path
    raise ConfigError(f"{path}: this job script is missing: install cvzmpi anew")
