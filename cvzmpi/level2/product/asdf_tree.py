"""The tree of an ASDF file, checked before a reader builds it.

A few hundred bytes of YAML can stand for billions of values, by aliases of aliases, and a tree can
refer its reader to other files and to the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MAX_BYTES = 1 << 26
_MAX_NODES = 300_000
_MAX_DEPTH = 200
_MAX_LINE = 1000  # characters of an error of the parser
_END = b"\n..."
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TreeError(ValueError):
    """A tree must not be built."""


def check_tree(path: Path) -> None:
    """Refuse a tree that is too large, too deep, or refers to other files.

    Raises
    ------
    TreeError
        With the reason, on one line.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_MAX_BYTES)
    if not start.startswith(b"#ASDF"):
        raise TreeError("no ASDF file")
    text, ended, _ = start.replace(b"\r\n", b"\n").partition(_END)
    if not ended:
        raise TreeError(f"no tree that ends within {_MAX_BYTES:,} bytes")
    walk = _Walk()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            walk.see(event)
    except yaml.YAMLError as error:
        raise TreeError(" ".join(str(error).split())[:_MAX_LINE]) from error


def fits_files_named(path: Path) -> list[str]:
    """The names of FITS files in a tree, each once, in the order of the tree.

    Raises
    ------
    TreeError
        If the tree must not be built.
    OSError
        If the file cannot be read.
    """
    check_tree(path)
    with path.open("rb") as file:
        tree, _, _ = file.read(_MAX_BYTES).replace(b"\r\n", b"\n").partition(_END)
    values = (getattr(event, "value", "") for event in yaml.parse(tree, Loader=_LOADER))
    return list(dict.fromkeys(v for v in values if v.endswith((".fits", ".fits.fz"))))


@dataclass
class _Open:
    """A mapping or a sequence that has not ended yet."""

    tag: str
    anchor: str | None
    is_mapping: bool
    n_nodes: int = 1
    n_inside: int = 0
    key: str | None = None


class _Walk:
    """Counts the nodes of a tree, with those that its aliases stand for."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._size_of: dict[str, int] = {}

    def see(self, event: Any) -> None:
        kind = type(event).__name__
        if kind in {"MappingStartEvent", "SequenceStartEvent"}:
            if len(self._open) >= _MAX_DEPTH:
                raise TreeError(f"its tree is nested more than {_MAX_DEPTH} levels deep")
            is_mapping = kind == "MappingStartEvent"
            self._open.append(_Open(event.tag or "", event.anchor, is_mapping))
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            ended = self._open.pop()
            self._add(ended.n_nodes, ended.anchor, None)
        elif kind == "ScalarEvent":
            self._add(1, event.anchor, event.value)
        elif kind == "AliasEvent":
            if event.anchor not in self._size_of:
                raise TreeError(f"its tree has an alias of what is not there: {event.anchor[:60]}")
            self._add(self._size_of[event.anchor], None, None)

    def _add(self, n_nodes: int, anchor: str | None, scalar: str | None) -> None:
        """Add a node, with all nodes in it, to the mapping or sequence that it is in."""
        if anchor is not None:
            self._size_of[anchor] = n_nodes
        if not self._open:
            return
        within = self._open[-1]
        within.n_nodes += n_nodes
        if within.n_nodes > _MAX_NODES:
            raise TreeError(f"its tree has more than {_MAX_NODES:,} nodes")
        if within.is_mapping:
            if within.n_inside % 2 == 0:
                within.key = scalar
            elif scalar is not None:
                _refuse_other_files(within, scalar)
        within.n_inside += 1


def _refuse_other_files(mapping: _Open, value: str) -> None:
    is_array = "ndarray" in mapping.tag or "externalarray" in mapping.tag
    is_number = value.lstrip("-").isdigit()
    if mapping.key == "$ref" or (is_array and mapping.key == "source" and not is_number):
        raise TreeError(f"its tree refers to another file: {value[:60]!r}")
