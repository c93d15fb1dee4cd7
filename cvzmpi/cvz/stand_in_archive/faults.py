"""The faults of the stand-in archive and their frequency; each kind is declared once."""

from __future__ import annotations

import gzip
import random
import select
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from itertools import repeat

CIRCLE = "/in-a-circle"
LOGIN = "/login"
_HANGS_SECONDS = 300.0
_DRIP_SECONDS = 0.05
_DRIPS = 2000
_BOMB = gzip.compress(bytes(200_000_000), compresslevel=9)
_CLOSE = {"Connection": "close"}
_GZIP = {"Content-Encoding": "gzip"}

KINDS = ("503", "429", "hang", "cut", "wrong file", "damaged", "slow")
"""Faults that pass, or are those of one product."""

STATUSES = ("401", "403", "404", "204", "206")
PAGES = {
    "web page": b"<!DOCTYPE html>\n<html><body>Down for scheduled maintenance</body></html>\n" * 40,
    "json": b'{"status": "ERROR", "msg": "session expired"}',
    "xml": b'<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
    "empty": b"",
    "text": b"staging, try later",
}
"""Content that comes with status 200 in place of the right one."""

_ANSWERS: dict[str, tuple[int, Mapping[str, str | None], bytes | None]] = {
    **{status: (int(status), {}, b"") for status in ("503", *STATUSES)},
    **{name: (200, {}, page) for name, page in PAGES.items()},
    "bomb": (200, _GZIP, _BOMB),
    "broken gzip": (200, _GZIP, None),
    "announced too large": (200, {"Content-Length": str(10**15)}, None),
    "no length": (200, {"Content-Length": None, **_CLOSE}, None),
    "odd length": (200, {"Content-Length": "abc", **_CLOSE}, None),
    "odd pause": (429, {"Retry-After": "\u00b2"}, b""),
    "redirected in a circle": (302, {"Location": CIRCLE}, b""),
    "redirected to nowhere": (302, {"Location": "http://[x/"}, b""),
    "redirected to log in": (302, {"Location": LOGIN}, b""),
}
"""Status, headers, and body; where that is None, what was asked for comes."""

_DRIPPING = ("drip", "drip of headers", "chunks that drip", "endless")
ALL_KINDS = frozenset((*KINDS, *_ANSWERS, *_DRIPPING))


class Faults:
    """Chooses the answers that go wrong.

    Parameters
    ----------
    share : float
        The share of answers that go wrong.
    kinds : sequence of str
        Their faults, which are some of `ALL_KINDS`.

    Attributes
    ----------
    retry_after : int
        Seconds that a 429 asks for.
    slow_seconds : float
        The time that a slow answer takes.
    always : dict
        The fault of each answer by TIC number; of each listing by sector, with 0 for all others.
    counts : Counter
        The number of answers with each fault.
    """

    def __init__(self, share: float = 0.0, kinds: Sequence[str] = KINDS, seed: int = 1) -> None:
        unknown = set(kinds) - ALL_KINDS
        assert not unknown, f"no such faults: {unknown}"
        self.share = share
        self.retry_after = 1
        self.slow_seconds = 0.5
        self.always: dict[int, str] = {}
        self.counts: Counter[str] = Counter()
        self.kinds = tuple(kinds)
        self._random = random.Random(seed)
        self._one_at_a_time = threading.Lock()

    def choose(self, tic: int) -> str | None:
        """The fault of the next answer about a star."""
        with self._one_at_a_time:
            kind = self.always.get(tic)
            if kind is None and self._random.random() < self.share:
                kind = self._random.choice(self.kinds)
            if kind is not None:
                self.counts[kind] += 1
            return kind

    def answer(
        self, request: BaseHTTPRequestHandler, fault: str, content: bytes, other: bytes
    ) -> None:
        """Answer a request for `content` with a fault; `other` is what is not asked for."""
        half = content[: len(content) // 2]
        if fault in _ANSWERS:
            status, headers, body = _ANSWERS[fault]
            reply(request, content if body is None else body, status, headers)
        elif fault == "429":
            reply(request, b"", 429, {"Retry-After": str(self.retry_after)})
        elif fault in {"wrong file", "damaged"}:
            reply(request, other if fault == "wrong file" else half)
        elif fault == "hang":
            # until the client has enough of it
            select.select([request.connection], [], [], _HANGS_SECONDS)
            request.close_connection = True
        else:
            self._write_in_pieces(request, fault, content)

    def _write_in_pieces(self, request: BaseHTTPRequestHandler, fault: str, content: bytes) -> None:
        size = len(content)
        length = {"Content-Length": str(size)}
        edges = [n * size // 10 for n in range(11)]
        tenths = (content[edges[n] : edges[n + 1]] for n in range(10))
        drops = (content[at : at + 1] for at in range(min(size, _DRIPS)))
        ways: dict[str, tuple[dict[str, str] | None, Iterable[bytes], float]] = {
            "cut": (length, [content[: size // 2]], 0.0),
            "slow": (length, tenths, self.slow_seconds / 10),
            "drip": (length, drops, _DRIP_SECONDS),
            "chunks that drip": (
                {"Transfer-Encoding": "chunked"},
                (b"1\r\n%b\r\n" % drop for drop in drops),
                _DRIP_SECONDS,
            ),
            "drip of headers": (
                None,
                (f"X-{n}: 0\r\n".encode()[i : i + 1] for n in range(90) for i in range(8)),
                _DRIP_SECONDS,
            ),
            "endless": (_CLOSE, repeat(content), 0.0),
        }
        headers, pieces, pause = ways[fault]
        _head(request, 200, headers or {}, is_whole=headers is not None)
        for piece in pieces:
            request.wfile.write(piece)
            time.sleep(pause)
        request.close_connection = fault != "slow"


def reply(
    request: BaseHTTPRequestHandler,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str | None] | None = None,
) -> None:
    """Answer a request.

    The length of the body is said, where the headers have no other one; a header that is None is
    left out.
    """
    _head(request, status, {"Content-Length": str(len(body)), **(headers or {})})
    if request.command != "HEAD":
        request.wfile.write(body)


def _head(
    request: BaseHTTPRequestHandler,
    status: int,
    headers: Mapping[str, str | None],
    is_whole: bool = True,
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if value is not None:
            request.send_header(name, value)
    if is_whole:
        request.end_headers()
    else:
        request.flush_headers()
