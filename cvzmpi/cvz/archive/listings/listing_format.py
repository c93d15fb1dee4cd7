"""The format of a listing: the download script of a sector, which names light curves of one kind.

`curl -C - -L -o tess...-s_lc.fits https://...` is a line of the mission's, and
`curl -f --create-dirs --output 's0011/.../hlsp_...fits' 'https://...'` one of others: a light curve
is named twice in its line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from cvzmpi.cvz.archive.http.answers import UnusableContentError
from cvzmpi.cvz.light_curves.product_kinds import TWO_MINUTES, ProductKind

_MARKUP = re.compile(rb"^[ \t]*[<{]", re.MULTILINE)


@functools.cache
def _lines(kind: ProductKind) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Lines that name a light curve once, or twice, and that have something like its name.

    The counts are bounded so that the time grows with the length only, whatever a server sends.
    """
    name = kind.file_name.pattern.encode()
    named = rb"^[ \t]*(?:curl|wget)[ \t][^\n]{0,200}?\b(?P<name>" + name + rb")\b"
    whole = named + rb"[^\n]{0,1000}?\b(?P=name)\b"
    like = rb"^(?![ \t]*#)[^\n]{0,2000}?" + re.escape(kind.ending.encode())
    return tuple(re.compile(line, re.MULTILINE) for line in (named, whole, like))  # type: ignore[return-value]


def names_in(
    listing: bytes, sector: int, kind: ProductKind = TWO_MINUTES
) -> Iterator[tuple[int, bytes]]:
    """TIC number and name of all light curves of a sector."""
    for match in _lines(kind)[0].finditer(listing):
        if int(match["sector"]) == sector:
            yield int(match["tic"]), match["name"]


def lists_something(listing: bytes, kind: ProductKind = TWO_MINUTES) -> bool:
    """True if a light curve is listed."""
    return _lines(kind)[0].search(listing) is not None


def count_light_curves(listing: bytes, kind: ProductKind = TWO_MINUTES) -> int:
    """The number of light curves that are listed."""
    return sum(1 for _ in _lines(kind)[0].finditer(listing))


def check_listing(
    address: str, sector: int, content: bytes, kind: ProductKind = TWO_MINUTES
) -> int:
    """Check that the content of an address is the whole listing of a sector.

    Returns
    -------
    int
        The number of light curves that are listed.

    Raises
    ------
    UnusableContentError
    """
    n_lines, first_of_another = 0, None
    for match in _lines(kind)[1].finditer(content):
        n_lines += 1
        if int(match["sector"]) != sector and first_of_another is None:
            first_of_another = int(match["sector"])
    if n_lines == 0:
        beginning = kind.example.partition("_" if kind.example.startswith("hlsp") else "2")[0]
        name = f"{beginning}...{kind.ending}"
        raise UnusableContentError(
            f"{address}: lists no {kind.words}; expected lines as "
            f"`curl ... -o {name} ADDRESS/{name}` (archive.{kind.listings})"
        )
    if first_of_another is not None:
        raise UnusableContentError(f"{address}: lists sector {first_of_another}, expected {sector}")
    if _MARKUP.search(content):
        raise UnusableContentError(f"{address}: a web page is within the listing")
    if _count_mentions(content, kind) != n_lines or not _ends_whole(content, kind):
        raise UnusableContentError(
            f"{address}: cut or damaged: expected lines that name a light curve twice"
        )
    return n_lines


def _count_mentions(content: bytes, kind: ProductKind) -> int:
    """Lines with something like the name of a light curve, whole or not."""
    return sum(1 for _ in _lines(kind)[2].finditer(content))


def _ends_whole(content: bytes, kind: ProductKind) -> bool:
    """True if the last line has an end, or names its light curve twice."""
    last = content[content.rfind(b"\n") + 1 :]
    return not last.strip() or _lines(kind)[1].match(last) is not None
