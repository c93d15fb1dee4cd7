"""The format of a listing: the download script of a sector, which names its 2-minute light curves.

`curl -C - -L -o tess...-s_lc.fits https://...`: a light curve is named twice in its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cvzmpi.cvz.archive.http.answers import UnusableContentError
from cvzmpi.cvz.light_curves.product import NAME

_NAME = NAME.pattern.encode()
# The counts are bounded so that the time grows with the length only, whatever a server sends.
_NAMED = rb"^[ \t]*(?:curl|wget)[ \t][^\n]{0,200}?\b(" + _NAME + rb")\b"
_LINE = re.compile(_NAMED, re.MULTILINE)
_WHOLE_LINE = re.compile(_NAMED + rb"[^\n]{0,1000}?\b\1\b", re.MULTILINE)
_MARKUP = re.compile(rb"^[ \t]*[<{]", re.MULTILINE)


def names_in(listing: bytes, sector: int) -> Iterator[tuple[int, bytes]]:
    """TIC number and name of all light curves of a sector."""
    for match in _LINE.finditer(listing):
        if int(match[2]) == sector:
            yield int(match[3]), match[1]


def lists_something(listing: bytes) -> bool:
    """True if a light curve is listed."""
    return _LINE.search(listing) is not None


def count_light_curves(listing: bytes) -> int:
    """The number of light curves that are listed."""
    return sum(1 for _ in _LINE.finditer(listing))


def check_listing(address: str, sector: int, content: bytes) -> int:
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
    for match in _WHOLE_LINE.finditer(content):
        n_lines += 1
        if int(match[2]) != sector and first_of_another is None:
            first_of_another = int(match[2])
    if n_lines == 0:
        raise UnusableContentError(
            f"{address}: lists no 2-minute light curve; expected lines as "
            "`curl ... -o tess...-s_lc.fits ADDRESS/tess...-s_lc.fits` (archive.listings)"
        )
    if first_of_another is not None:
        raise UnusableContentError(f"{address}: lists sector {first_of_another}, expected {sector}")
    if _MARKUP.search(content):
        raise UnusableContentError(f"{address}: a web page is within the listing")
    if _count_mentions(content) != n_lines or not _ends_whole(content):
        raise UnusableContentError(
            f"{address}: cut or damaged: expected lines that name a light curve twice"
        )
    return n_lines


def _count_mentions(content: bytes) -> int:
    """Lines with something like the name of a light curve, whole or not."""
    return sum(
        b"-s_lc.fits" in line and not line.lstrip().startswith(b"#")
        for line in content.split(b"\n")
    )


def _ends_whole(content: bytes) -> bool:
    """True if the last line has an end, or names its light curve twice."""
    last = content[content.rfind(b"\n") + 1 :]
    return not last.strip() or _WHOLE_LINE.match(last) is not None
