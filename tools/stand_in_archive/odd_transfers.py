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
    elif fault == "bomb":
        _head(request, {"Content-Encoding": "gzip", "Content-Length": str(len(_BOMB))})
        request.wfile.write(_BOMB)
    elif fault == "broken gzip":
        _head(request, {"Content-Encoding": "gzip", "Content-Length": str(len(content))})
        request.wfile.write(content)
    elif fault == "announced too large":
        _head(request, {"Content-Length": str(10**15)})
        request.wfile.write(content)
    elif fault in {"no length", "odd length"}:
        odd = {} if fault == "no length" else {"Content-Length": "abc"}
        _head(request, {"Connection": "close", **odd})
        request.wfile.write(content)
    elif fault == "odd pause":
        _head(request, {"Retry-After": "\u00b2", "Content-Length": "0"}, 429)
    elif fault == "redirected in a circle":
        _head(request, {"Location": CIRCLE, "Content-Length": "0"}, 302)
    elif fault == "redirected to nowhere":
        _head(request, {"Location": "http://[x/", "Content-Length": "0"}, 302)
    elif fault == "redirected to log in":
        _head(request, {"Location": LOGIN, "Content-Length": "0"}, 302)


def _head(request: BaseHTTPRequestHandler, headers: dict[str, str], status: int = 200) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
        request.close_connection |= (name, value) == ("Connection", "close")
    request.end_headers()


def _bytes_of(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 1] for at in range(len(content)))


def _write_slowly(request: BaseHTTPRequestHandler, pieces: Iterator[bytes]) -> None:
    for _, piece in zip(range(_DRIPS), pieces, strict=False):
        request.wfile.write(piece)
        time.sleep(_DRIP_SECONDS)
    request.close_connection = True
