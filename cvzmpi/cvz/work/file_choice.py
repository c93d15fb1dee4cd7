"""What a job says of light curves that have several files."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.ledger import LedgerUnit
from cvzmpi.ledger.states import FINISHED

_log = logging.getLogger(__name__)


def tell_choices(sources: Iterable[LightCurveSource], known: Iterable[LedgerUnit]) -> None:
    """Name the files that are passed over: on the terminal once, when they are found.

    Light curves that were begun with a file that is not the best any more are kept as they are.

    Parameters
    ----------
    sources : iterable of LightCurveSource
    known : iterable of LedgerUnit
        What the ledger had before this job.
    """
    units = {unit.name: unit for unit in known}
    outdated = []
    for source in sources:
        unit = units.get(source.id.name)
        level = logging.WARNING if unit is None else logging.INFO
        for other in source.others:
            _log.log(level, "%s: not used: %s", source.id.name, other)
        if unit is not None and (unit.progress or unit.state in FINISHED):
            outdated += [
                f"{source.id.name}, of {other.path}, has {source.path} now"
                for other in source.others
                if str(other.path) == unit.facts.get("file")
            ]
    if outdated:
        _log.warning(
            "%d light curves were begun with files that are not the best any more, and are kept "
            "(remove a sector file to have it made anew): %s%s",
            len(outdated),
            outdated[0],
            "; ..." if len(outdated) > 1 else "",
        )
