"""`cvzmpi show`: what is in sector files."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.results.show import show_file
from cvzmpi.cvz.results.show_table import show_table
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def show(files: tuple[Path, ...]) -> int:
    """Print the details of one file, or a table of several."""
    if len(files) == 1:
        show_file(files[0])
        return DONE
    return DONE if show_table(files) else SOME_FAILED
