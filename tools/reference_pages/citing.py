"""How to cite, from `CITATION.cff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).resolve().parents[2]


def citing_page() -> str:
    """The software as BibTeX, and what it builds on."""
    cff = yaml.safe_load((_ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = " and ".join(f"{{{_name(author)}}}" for author in cff["authors"])
    fields = {"author": authors, "title": f"{{{cff['title']}}}", "version": cff["version"]}
    lines = [f"  {name:7} = {{{value}}}," for name, value in fields.items()]
    return "\n".join(
        [
            cff["message"],
            "",
            "```bibtex",
            "@software{cvzmpi,",
            *lines,
            "}",
            "```",
            "",
            "It builds on:",
            "",
            *map(_reference, cff["references"]),
            "",
        ]
    )


def _name(author: dict[str, str]) -> str:
    """A name as references have it."""
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def _reference(reference: dict[str, Any]) -> str:
    first = _name(reference["authors"][0])
    place = f"{reference['journal']} {reference['volume']}, {reference['start']}"
    link = f"[{reference['doi']}](https://doi.org/{reference['doi']})"
    return f"- {first}, et al. ({reference['year']}): {reference['title']}. {place}, {link}"
