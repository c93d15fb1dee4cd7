"""The server of the stand-in archive: listings, files, a bucket, and the query service."""

from __future__ import annotations

import contextlib
import re
import select
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from cvzmpi.cvz.light_curves.product import Product
from tools.stand_in_archive import mashup, odd_transfers
from tools.stand_in_archive.catalog import Catalog, of_other_star
from tools.stand_in_archive.faults import PAGES, STATUSES, Faults

_LISTING = re.compile(r"/listings/tesscurl_sector_(\d+)_lc\.sh")
_FILE = re.compile(r"/api/v0\.1/Download/file/?")
_BUCKET = "/stpubdata/"
_HANGS_SECONDS = 300.0
_ESTABLISHED = "01"


@dataclass
class Counts:
    """The requests and connections that the stand-in archive had.

    Attributes
    ----------
    requests : list of (float, str)
        Time and address.
    accepted : int
        Connections.
    most_connections : int
        Most connections that were open at a time.
    delivered : Counter
        Files by name that were sent whole, and were the right ones.
    """

    requests: list[tuple[float, str]] = field(default_factory=list)
    accepted: int = 0
    most_connections: int = 0
    delivered: Counter[str] = field(default_factory=Counter)

    def requested(self, pattern: str) -> list[str]:
        """Requests for something with this in its address."""
        return [path for _, path in self.requests if pattern in path]

    def most_in(self, seconds: float) -> int:
        """Most requests within any stretch of time."""
        times = sorted(when for when, _ in self.requests)
        most, first = 0, 0
        for last, when in enumerate(times):
            while when - times[first] > seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


class StandInArchive:
    """An archive on a loopback port that the system chooses. Use as a context.

    Parameters
    ----------
    catalog : Catalog
    faults : Faults, optional
        The faults of files. `listing_faults` are those of listings, `query_faults` those of
        answers to queries.
    """

    def __init__(
        self, catalog: Catalog, faults: Faults | None = None, listing_faults: Faults | None = None
    ) -> None:
        self.catalog = catalog
        self.faults = faults or Faults()
        self.listing_faults = listing_faults or Faults()
        self.query_faults = Faults()
        self.counts = Counts()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.archive = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        """The setting `archive.address`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def listings(self) -> str:
        """The setting `archive.listings`."""
        return f"{self.address}/listings/tesscurl_sector_{{sector}}_lc.sh"

    def settings(self) -> list[str]:
        """Command line arguments that make cvzmpi use it."""
        return [
            f"--set=archive.address={self.address}",
            f"--set=archive.listings={self.listings}",
        ]

    def note_request(self, path: str) -> None:
        """Count a request."""
        with self._lock:
            self.counts.requests.append((time.monotonic(), path))

    def note_delivery(self, product: Product) -> None:
        """Count a file that was sent whole."""
        with self._lock:
            self.counts.delivered[product.name] += 1

    def note_connection(self) -> None:
        """Count a new connection, and those that are open now."""
        n_open = _established(self._server.server_port)
        with self._lock:
            self.counts.accepted += 1
            self.counts.most_connections = max(self.counts.most_connections, n_open)

    def __enter__(self) -> StandInArchive:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    archive: StandInArchive


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.archive.note_connection()

    def handle(self) -> None:
        # a client may go away at any moment, and often should
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        archive = self.server.archive
        archive.note_request(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = archive.query_faults.choose(0)
        if fault is not None:
            self._fail(fault, b"[", b"")
            return
        if self.path == "/portal/Mashup/Mashup.asmx/columnsconfig":
            self._send(mashup.columns_config(body))
        elif self.path == "/api/v0/invoke":
            self._send(mashup.invoke(body, archive.catalog))
        else:
            self._refuse(404)

    def _answer(self) -> None:
        archive = self.server.archive
        archive.note_request(unquote(self.path))
        match = _LISTING.fullmatch(self.path)
        if match is not None:
            self._answer_listing(int(match[1]))
            return
        if self.path.startswith(odd_transfers.CIRCLE):
            odd_transfers.answer(self, "redirected in a circle", b"")
            return
        if self.path == odd_transfers.LOGIN:
            self._send(PAGES["web page"])
            return
        product = self._product()
        if product is None:
            self._refuse(404)
        elif self.command == "HEAD":
            self._send(archive.catalog.content(product))
        else:
            self._answer_file(product)

    def _product(self) -> Product | None:
        """The product that a request names, as a file or as an object of the bucket."""
        catalog, parts = self.server.archive.catalog, urlsplit(self.path)
        if _FILE.fullmatch(parts.path):
            (uri,) = parse_qs(parts.query)["uri"]
            product = catalog.find(uri.removeprefix("mast:TESS/product/"))
            return product if product is not None and product.uri == uri else None
        if parts.path.startswith(_BUCKET):
            product = catalog.find(parts.path.rpartition("/")[2])
            key = parts.path.removeprefix(_BUCKET)
            return product if product is not None and product.key == key else None
        return None

    def _answer_listing(self, sector: int) -> None:
        archive = self.server.archive
        content = archive.catalog.listing(sector, archive.address)
        faults = archive.listing_faults
        fault = faults.choose(sector if sector in faults.always else 0)
        if content is None and fault not in {*STATUSES, *PAGES}:
            self._refuse(404)
        elif fault is not None:
            self._fail(fault, content or b"", b"<html>Too busy</html>")
        else:
            self._send(content)

    def _answer_file(self, product: Product) -> None:
        archive = self.server.archive
        content = archive.catalog.content(product)
        fault = archive.faults.choose(product.tic)
        if fault is not None:
            other = (
                archive.catalog.content(of_other_star(product)) if fault == "wrong file" else b""
            )
            self._fail(fault, content, other)
        else:
            self._send(content)
        if fault in {None, "slow"}:
            archive.note_delivery(product)

    def _fail(self, fault: str, content: bytes, other: bytes) -> None:
        faults = self.server.archive.faults
        if fault == "503":
            self._refuse(503)
        elif fault == "429":
            self._refuse(429, {"Retry-After": str(faults.retry_after)})
        elif fault == "hang":
            # until the client has enough of it
            select.select([self.connection], [], [], _HANGS_SECONDS)
            self.close_connection = True
        elif fault == "cut":
            self._head(len(content))
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif fault == "wrong file":
            self._send(other)
        elif fault == "damaged":
            self._send(content[: len(content) // 2])
        elif fault == "slow":
            self._head(len(content))
            for at in range(10):
                piece = slice(at * len(content) // 10, (at + 1) * len(content) // 10)
                self.wfile.write(content[piece])
                time.sleep(faults.slow_seconds / 10)
        elif fault in STATUSES:
            self._refuse(int(fault))
        elif fault in PAGES:
            self._send(PAGES[fault])
        else:
            odd_transfers.answer(self, fault, content)

    def _send(self, content: bytes) -> None:
        self._head(len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        self._head(0, status, headers)

    def _head(self, length: int, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def _established(port: int) -> int:
    """Connections to a port that are open, by the system's own account.

    One that the client has closed is not open any more, whether the server has noticed or not.
    """
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = f":{port:04X}"
    return sum(
        fields[1].endswith(local) and fields[3] == _ESTABLISHED for fields in map(str.split, lines)
    )
