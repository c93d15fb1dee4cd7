"""`cvzmpi scan` and `fetch`: what the archive has, and light curves ahead of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from cvzmpi.config import DEFAULT_FILE, named_or_default
from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.fetch import Fetch, FetchResult
from cvzmpi.cvz.archive.scan import ScanResult, known_good
from cvzmpi.cvz.archive.scan import scan as scan_archive
from cvzmpi.cvz.commands.settings import settings_of
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.sector_file.paths import holds_results, sector_files
from cvzmpi.cvz.target_list import read_target_list
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Ledger
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.runtime.all_ranks import DONE, INCOMPLETE, SOME_FAILED, complain


def scan(targets: Path | None, file: Path | None, settings: tuple[str, ...]) -> int:
    """Find the light curves of the targets, and say how many there are and which rows are bad."""
    config = settings_of(file, settings, {"archive.targets": targets})
    with ProgressBar() as bar:
        result, bad_rows = scan_targets(config, _above(bar), bar)
    return _told(result, bad_rows, is_complete=result.unseen is None)


def fetch(file: Path | None, settings: tuple[str, ...]) -> int:
    """Bring light curves into scratch, and say how many, and which failed."""
    config = settings_of(file, settings)
    if named_or_default(file) is None and not holds_results(config.output.directory):
        raise ConfigError(f"no {DEFAULT_FILE} here: give --config")
    with ProgressBar() as bar:
        result = fetch_light_curves(config, _above(bar), bar)
    return _told(result, result.failed, is_complete=result.down is None)


def _told(result: object, failed: Sequence[str], is_complete: bool) -> int:
    """Say what was done and what failed, and give the exit status."""
    click.echo(result)
    for line in failed:
        complain(line)
    if not is_complete:
        return INCOMPLETE
    return SOME_FAILED if failed else DONE


def _above(bar: ProgressBar) -> Callable[[str], None]:
    """A way to say a line while a bar is shown."""

    def say(line: str) -> None:
        bar.clear()
        complain(line)

    return say


def scan_targets(
    config: Config, say: Callable[[str], None], bar: ProgressBar | None = None
) -> tuple[ScanResult, list[str]]:
    """Find the light curves of the campaign's targets; also a line for each row that is none.

    Lines about waiting and retries are told to `say`, and progress is shown by `bar`.

    Raises
    ------
    ConfigError
        If there is no list of targets, or it cannot be read.
    ArchiveDownError
        If the archive does not say what it has.
    ArchiveError
        If it has no listing.
    """
    if config.archive.targets is None:
        raise ConfigError("which targets? name a list, or set archive.targets")
    targets = read_target_list(config.archive.targets)
    access = ArchiveAccess(config, say)
    try:
        with open_ledger(config) as ledger, ledger.job("scan") as job:
            bar = bar or ProgressBar()
            present = sector_files(config.output.directory)
            result = scan_archive(targets, config.archive, access, ledger, job, bar, present)
    finally:
        access.close()
    for note in access.notes:
        say(note)
    return result, targets.bad_rows


def fetch_light_curves(
    config: Config, say: Callable[[str], None], bar: ProgressBar | None = None
) -> FetchResult:
    """Bring the next light curves of the campaign into scratch.

    Lines about waiting and retries are told to `say`, and progress is shown by `bar`.
    """
    access = ArchiveAccess(config, say)
    with open_ledger(config) as ledger, ledger.job("fetch") as job:
        stager = access.open_stager(known_good(ledger.units()))
        try:
            return Fetch(ledger, job, stager, config).run(bar or ProgressBar())
        finally:
            stager.close()


def open_ledger(config: Config) -> Ledger:
    """Open the ledger of a campaign, which is made where there is none."""
    location = config.ledger_location()
    if isinstance(location, Path):
        try:
            location.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{location.parent}: cannot be made: {error.strerror}") from error
    return Ledger.open(location)
