"""A new campaign: a directory with its configuration, job scripts and a README."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.config import DEFAULT_FILE, as_toml
from cvzmpi.cvz.archive_configuration import ArchiveConfig
from cvzmpi.cvz.configuration import Config, InputConfig
from cvzmpi.errors import ConfigError
from cvzmpi.job_scripts import job_script
from cvzmpi.runtime.slurm import NoAnswerError, has_slurm, partitions

RUN_HERE = "run_here.sh"
SLURM_SCRIPTS = ("cvz_ckpt.slurm", "cvz_node.slurm")
README = "README.md"

_PYTHON = re.compile(r"^PYTHON=.*$", re.MULTILINE)
_PARTITION = re.compile(r"^#SBATCH --partition=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class NewFile:
    """A file to be written."""

    path: Path
    text: str
    is_program: bool = False


def make_campaign(
    directory: Path, input_directory: Path | None = None, targets: Path | None = None
) -> list[Path]:
    """Write a campaign that can be run at once.

    Parameters
    ----------
    directory : Path
        Made where it is not there.
    input_directory : Path, optional
        The directory with the light curves; by default `input` in the campaign's directory.
    targets : Path, optional
        The list of targets whose light curves come from the archive, in place of a directory.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ConfigError
        If one of the files exists, or nothing can be written there; then nothing was written.
    """
    config = _configuration(input_directory, targets)
    files = _files(directory, config)
    own = [] if input_directory or targets else [config.input.directory]
    try:
        for file in files:
            if file.path.exists() or file.path.is_symlink():
                raise ConfigError(f"{file.path}: exists, and init overwrites nothing")
        for name in (*own, config.output.directory):
            (directory / name).mkdir(parents=True, exist_ok=True)
        _write(files)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot write a campaign here: {error.strerror}") from error
    return [file.path for file in files]


def cvzmpi_command() -> str:
    """The command `cvzmpi` as a shell finds it: its path where it is not the first on PATH."""
    program = Path(sys.executable).with_name("cvzmpi")
    if not program.is_file():
        return f"{shlex.quote(sys.executable)} -m cvzmpi"
    found = shutil.which("cvzmpi")
    return "cvzmpi" if found and Path(found).samefile(program) else shlex.quote(str(program))


def _configuration(input_directory: Path | None, targets: Path | None) -> Config:
    if input_directory is not None and targets is not None:
        raise ConfigError("light curves come from --input or from --targets: give one of them")
    if input_directory is not None:
        if not input_directory.is_dir():
            raise ConfigError(f"{input_directory}: no such input directory")
        return Config(input=InputConfig(directory=input_directory.absolute()))
    if targets is not None:
        if not targets.is_file():
            raise ConfigError(f"{targets}: no such list of targets")
        return Config(archive=ArchiveConfig(targets=targets.absolute()))
    return Config()


def _files(directory: Path, config: Config) -> list[NewFile]:
    files = [
        NewFile(directory / DEFAULT_FILE, as_toml(config)),
        NewFile(directory / RUN_HERE, _with_python(job_script(RUN_HERE)), is_program=True),
    ]
    if has_slurm():
        known = _partitions()
        for name in SLURM_SCRIPTS:
            text = _with_partition(_with_python(job_script(name)), known)
            files.append(NewFile(directory / name, text))
    return [*files, NewFile(directory / README, _readme(directory, config))]


def _write(files: list[NewFile]) -> None:
    """Write all files, or none."""
    written: list[Path] = []
    try:
        for file in files:
            with file.path.open("x", encoding="utf-8") as stream:
                written.append(file.path)
                stream.write(file.text)
            if file.is_program:
                file.path.chmod(0o777 & (file.path.stat().st_mode | 0o111))
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _with_python(script: Path) -> str:
    """The text of a job script in which this Python is named."""
    line = f"PYTHON={shlex.quote(sys.executable)}"
    text, n_lines = _PYTHON.subn(lambda _: line, script.read_text(encoding="utf-8"), count=1)
    assert n_lines == 1, script
    return text


def _partitions() -> list[str]:
    try:
        return partitions()
    except NoAnswerError:
        return []  # `cvzmpi doctor` says why; the scripts keep the partitions that they name


def _with_partition(text: str, known: list[str]) -> str:
    """A job script whose partition is one that this Slurm has, or its default."""

    def line(found: re.Match[str]) -> str:
        if not known or found[1] in known:
            return found[0]
        return f"##SBATCH --partition={known[0]}       # here are: {', '.join(known)}"

    return _PARTITION.sub(line, text)


def _readme(directory: Path, config: Config) -> str:
    name = directory.absolute().name
    cvzmpi = cvzmpi_command()
    if config.archive.targets is not None:
        source = f"of the stars in `{config.archive.targets}`, which `{cvzmpi} scan` finds"
    else:
        source = f"in `{config.input.directory}`, as SPOC's FITS files"
    run = f"`./{RUN_HERE}`"
    if has_slurm():
        run += f" on one machine, `sbatch --account=YOURS {SLURM_SCRIPTS[0]}` in the queue"
    return (
        f"# {name}: a campaign of cvzmpi\n"
        f"- Light curves: {source}. Settings: `{DEFAULT_FILE}` says what each means.\n"
        f"- Before: `{cvzmpi} doctor` says what works on this machine, and what to do about the "
        "rest.\n"
        f"- Run, and again after any stop: {run}.\n"
        f"- Then: `{cvzmpi} status`, `{cvzmpi} report`, and the sector files in `output`.\n"
    )
