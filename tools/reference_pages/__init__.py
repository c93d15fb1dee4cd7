"""Pages of the documentation that are made from the code: settings, commands, errors, citation."""

from __future__ import annotations

from pathlib import Path

from tools.reference_pages.citing import citing_page
from tools.reference_pages.commands import commands_page
from tools.reference_pages.errors import errors_page
from tools.reference_pages.settings import settings_page

PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "citing.md": citing_page,
}


def write_pages(directory: Path) -> None:
    """Write all of them, as Markdown that other pages include; those that changed, only."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        path, text = directory / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
