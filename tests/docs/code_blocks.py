"""The code blocks of the README and of the pages, and how each is tested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = {"_build", "_generated", "_static"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "jobs/README.md")),
    *(p for p in sorted((ROOT / "docs").rglob("*.md")) if MADE.isdisjoint(p.parts)),
]

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<how>tested|excerpt): (?P<where>\S+) -->\n)?"
    r"^(?P<indent> *)(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    info: str  # what follows the fence: a language, or a directive of Sphinx in braces
    text: str
    how: str | None  # `tested`: by the test in `where`; `excerpt`: it stands in the file `where`
    where: str

    @property
    def name(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The lines of a block of commands, without comments; continued lines are one."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines()]
        return [" ".join(line.split()) for line in lines if line]


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, match.start("fence")) + 1,
            info=match["info"].strip(),
            text=re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            how=match["how"],
            where=match["where"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def blocks_tested_by(test: str) -> list[Block]:
    """All blocks that name a test, `FILE` or `FILE::FUNCTION`, in the order of the pages."""
    return [block for page in PAGES for block in blocks_of(page) if block.where == test]


def skeleton(text: str) -> str:
    """Text without its numbers, and with single spaces."""
    return " ".join(re.sub(r"[\d.,:]+", "#", text).split())
