"""`cvzmpi show`: what is in sector files."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.commands.settings import files_meant, search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.show import show_file
from cvzmpi.cvz.results.show_table import show_table
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def show(files: tuple[Path, ...], search: str | None) -> int:
    """Print the details of one file, or a table of several and of what is in directories."""
    chosen = Search(search_chosen(search))
    if len(files) == 1 and not files[0].is_dir():
        show_file(files[0], chosen)
        return DONE
    return DONE if show_table(files_meant(files), chosen) else SOME_FAILED
