"""The ledger: whether its database can be reached."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.checkup.finding import Finding, note, ok, problem
from cvzmpi.cvz.configuration import Config
from cvzmpi.errors import LedgerError, LedgerUnavailableError
from cvzmpi.ledger.db.location import VERSION
from cvzmpi.ledger.status.snapshot import recorded_version
from cvzmpi.messages.redaction import shown_url


def check_ledger(config: Config) -> Finding:
    """Connect to the database, and read the version of its tables; nothing is made or migrated."""
    location = config.ledger_location()
    name = shown_url(str(location))
    file = _sqlite_file(location)
    if file is not None and not file.exists():
        return ok(f"{name}: an SQLite file, which the first job makes")
    try:
        version = recorded_version(location)
    except LedgerUnavailableError as error:
        return problem(
            f"{name}: {error}",
            "see to the database, or correct ledger.url" if file is None else "see who has it open",
        )
    except LedgerError as error:
        return problem(f"{name}: {error}", "set it aside; `cvzmpi verify` makes a new one")
    except ImportError as error:
        return problem(f"{name}: {error}", 'pip install "cvzmpi[postgres]"')
    if version is None:
        return ok(f"{name}: answers; there is no ledger in it yet, which the first job makes")
    if version != VERSION:
        return note(f"{name}: answers; version {version}, which the next job brings to {VERSION}")
    return ok(f"{name}: answers")


def _sqlite_file(location: str | Path) -> Path | None:
    """The file of an SQLite ledger; None of another database."""
    if isinstance(location, Path):
        return location
    scheme, _, rest = location.partition(":///")
    return Path(rest.partition("?")[0]) if scheme == "sqlite" else None
