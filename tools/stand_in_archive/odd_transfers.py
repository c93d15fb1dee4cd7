"""Answers of the stand-in archive that never end, that are too large, or that are odd HTTP."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

CIRCLE = "/in-a-circle"
LOGIN = "/login"
_DRIP_SECONDS = 0.05
_DRIPS = 2000
_BOMB = gzip.compress(bytes(200_000_000), compresslevel=9)
_ODD_HEADERS: dict[str, dict[str, str | None]] = {
    "bomb": {"Content-Encoding": "gzip"},
    "broken gzip": {"Content-Encoding": "gzip"},
    "announced too large": {"Content-Length": str(10**15)},
    "no length": {"Connection": "close", "Content-Length": None},
    "odd length": {"Connection": "close", "Content-Length": "abc"},
}
_WITHOUT_CONTENT = {
    "odd pause": (429, {"Retry-After": "\u00b2"}),
    "redirected in a circle": (302, {"Location": CIRCLE}),
    "redirected to nowhere": (302, {"Location": "http://[x/"}),
    "redirected to log in": (302, {"Location": LOGIN}),
}


def answer(request: BaseHTTPRequestHandler, fault: str, content: bytes) -> None:
    """Answer a request with a fault of `faults.TRANSFERS`."""
    if fault == "drip":
        _head(request, {"Content-Length": str(len(content))})
        _write_slowly(request, _bytes_of(content))
    elif fault == "drip of headers":
        request.send_response_only(200)
        request.flush_headers()
        _write_slowly(
            request, (f"X-{n}: 0\r\n".encode()[i : i + 1] for n in range(90) for i in range(8))
        )
    elif fault == "chunks that drip":
        _head(request, {"Transfer-Encoding": "chunked"})
        _write_slowly(request, (b"1\r\n%b\r\n" % byte for byte in _bytes_of(content)))
    elif fault == "endless":
        _head(request, {"Connection": "close"})
        while True:
            request.wfile.write(content)
    elif fault in _WITHOUT_CONTENT:
        status, headers = _WITHOUT_CONTENT[fault]
        _head(request, {"Content-Length": "0", **headers}, status)
    else:
        if fault == "bomb":
            content = _BOMB
        _head(request, {"Content-Length": str(len(content))} | _ODD_HEADERS[fault])
        request.wfile.write(content)


def _head(
    request: BaseHTTPRequestHandler, headers: dict[str, str | None], status: int = 200
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if value is not None:
            request.send_header(name, value)
    request.close_connection |= headers.get("Connection") == "close"
    request.end_headers()


def _bytes_of(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 1] for at in range(len(content)))


def _write_slowly(request: BaseHTTPRequestHandler, pieces: Iterator[bytes]) -> None:
    for _, piece in zip(range(_DRIPS), pieces, strict=False):
        request.wfile.write(piece)
        time.sleep(_DRIP_SECONDS)
    request.close_connection = True
