"""The format of a listing: the download script of a sector, which names light curves of one kind.

`curl -C - -L -o tess...-s_lc.fits https://...` is a line of the mission's, and
`curl -f --create-dirs --output 's0011/.../hlsp_...fits' 'https://...'` one of others: a light curve
is named twice in its line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator

import numpy as np

from cvzmpi.cvz.archive.http.answers import UnusableContentError
from cvzmpi.cvz.light_curves.product_kinds import TWO_MINUTES, ProductKind

_COMMAND = b"curl "
_VERSION = re.compile(rb"_tess_v(\d{1,4})_\w{1,9}\.fits")
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


def names_of_stars(
    listing: bytes, sector: int, tics: Collection[int], kind: ProductKind = TWO_MINUTES
) -> Iterator[tuple[int, bytes]]:
    """TIC number and name of the light curves of some stars in a sector: those of `names_in`.

    A listing of QLP has a million lines; where they differ in the TIC number only, all are looked
    at together, in a fifth of the time.
    """
    table = _table(listing, sector, kind)
    if table is None:
        yield from (found for found in names_in(listing, sector, kind) if found[0] in tics)
        return
    numbers, names = table
    wanted = np.fromiter(tics, np.int64, len(tics))
    for row in np.flatnonzero(np.isin(numbers, wanted)):
        yield int(numbers[row]), names[row].tobytes()


def _table(listing: bytes, sector: int, kind: ProductKind) -> tuple[np.ndarray, np.ndarray] | None:
    """A listing whose lines are all like the first one, but for the TIC number.

    Returns
    -------
    numbers : int64, shape (n,)
        TIC numbers.
    names : uint8, shape (n, length)
        None, in place of both, if lines differ in anything else.
    """
    first = _lines(kind)[0].search(listing)
    if first is None or int(first["sector"]) != sector or not first[0].startswith(_COMMAND):
        return None
    begin = first.start()
    n_lines = listing.count(b"\n", begin)
    if n_lines == 0 or not listing.endswith(b"\n") or (len(listing) - begin) % n_lines:
        return None
    lines = np.frombuffer(listing, np.uint8, offset=begin).reshape(n_lines, -1)
    name, tic = (slice(*(at - begin for at in first.span(group))) for group in ("name", "tic"))
    command, end = slice(0, len(_COMMAND)), slice(-1, None)  # each ends with the end of a line
    around = (slice(name.start - 1, tic.start), slice(tic.stop, name.stop + 1))
    if any((lines[:, same] != lines[0, same]).any() for same in (command, *around, end)):
        return None
    digits = lines[:, tic].astype(np.int64) - ord("0")
    if ((digits < 0) | (digits > 9)).any():
        return None
    return digits @ 10 ** np.arange(digits.shape[1] - 1, -1, -1), lines[:, name]


def lists_something(listing: bytes, kind: ProductKind = TWO_MINUTES) -> bool:
    """True if a light curve is listed."""
    return _lines(kind)[0].search(listing) is not None


def count_light_curves(listing: bytes, kind: ProductKind = TWO_MINUTES) -> int:
    """The number of light curves that are listed."""
    return sum(1 for _ in _lines(kind)[0].finditer(listing))


def version_listed(listing: bytes) -> int:
    """The version in the first name that has one, as `..._tess_v02_llc.fits`; 0 if none has."""
    match = _VERSION.search(listing)
    return 0 if match is None else int(match[1])


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
