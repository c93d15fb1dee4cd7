"""The process in which lightkurve's client runs; started by `lightkurve_search`, never imported.

Reads a question a line from its input and writes an answer a line, both JSON:

    {"search": TIC, "author": [PIPELINE, ...], "exptime": SECONDS}
        -> {"names": [...]}
    {"download": NAME, "tic": ..., "sector": ..., "author": ..., "exptime": ..., "directory": DIR}
        -> {"path": ...}, or {"missing": true}

where no `exptime` (null) stands for all exposures,

and `{"failed": REASON}` where the client raised something. Its argument is the size in bytes of the
largest file that it writes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import astroquery.mast
import lightkurve
from astroquery.exceptions import ResolverError
from lightkurve.search import SearchError, SearchResult

from cvzmpi.errors import one_line

_MEMORY = 4 * 2**30
"""Bytes that the process may have; it needs a tenth."""


def main() -> None:
    """Answer questions until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the client prints what it downloads
    largest = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))  # of an answer without end
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that is larger is an error, no crash
    astroquery.mast.utils.parse_input_location = _ask_no_resolver

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    answer({"ready": lightkurve.__version__})
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer(_search(question) if "search" in question else _download(question))
        except Exception as error:  # whatever the client raises is told to the process that asked
            answer({"failed": f"lightkurve: {type(error).__name__}: {one_line(error)}"})


def _ask_no_resolver(*_: object, **__: object) -> NoReturn:
    """Stand in for astroquery's look-up of coordinates.

    Lightkurve asks a name resolver at a fixed address for the coordinates of a target without light
    curves, to look for light curves there: those of the same target, of which there are none.
    """
    raise ResolverError("names are not resolved")


def _search(question: dict[str, Any]) -> dict[str, Any]:
    found = _light_curves(question, question["search"])
    return {"names": [str(name) for name in _names(found)]}


def _download(question: dict[str, Any]) -> dict[str, Any]:
    found = _light_curves(question, question["tic"], sector=question["sector"])
    names = [str(name) for name in _names(found)]
    if question["download"] not in names:
        return {"missing": True}
    assert found is not None
    found[names.index(question["download"])].download(download_dir=question["directory"])
    (path,) = Path(question["directory"]).rglob(question["download"])
    return {"path": str(path)}


def _light_curves(question: dict[str, Any], tic: int, **which: int) -> SearchResult | None:
    of_whom = {"author": question["author"], "exptime": question["exptime"]}
    try:
        return lightkurve.search_lightcurve(f"TIC {tic}", **of_whom, **which)
    except SearchError:
        return None


def _names(found: SearchResult | None) -> list[Any]:
    return [] if found is None or len(found) == 0 else list(found.table["productFilename"])


if __name__ == "__main__":
    main()
