"""The server of the stand-in archive: listings, files, a bucket, and the query service."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import (
    FAST,
    KINDS,
    QLP,
    TESS_SPOC,
    TWO_MINUTES,
    ProductKind,
)
from cvzmpi.cvz.stand_in_archive import mashup
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, of_other_star
from cvzmpi.cvz.stand_in_archive.faults import CIRCLE, LOGIN, PAGES, STATUSES, Faults, reply

_LISTINGS = {
    TWO_MINUTES: "/listings/tesscurl_sector_{sector}_lc.sh",
    FAST: "/listings/tesscurl_sector_{sector}_fast-lc.sh",
    TESS_SPOC: "/listings/hlsp_tess-spoc_tess_phot_s{sector:04}_tess_v1_dl-lc.sh",
    QLP: "/listings/hlsp_qlp_tess_ffi_s{sector:04}_tess_v{version:02}_llc-fits.sh",
}
_LISTING = {
    kind: re.compile(re.sub(r"\\{(sector|version)(:0\d)?\\}", r"(?P<\1>\\d+)", re.escape(path)))
    for kind, path in _LISTINGS.items()
}
_FILE = re.compile(r"/api/v0\.1/Download/file/?")
_BUCKET = "/stpubdata/"
_ESTABLISHED = "01"


@dataclass
class Counts:
    """The requests and connections that the stand-in archive had."""

    requests: list[tuple[float, str]] = field(default_factory=list)
    """Time and address of each."""

    accepted: int = 0
    """Number of connections."""

    most_connections: int = 0
    """Most that were open at a time."""

    delivered: Counter[str] = field(default_factory=Counter)
    """Files by name that were sent whole, and were the right ones."""

    def requested(self, pattern: str) -> list[str]:
        """Requests for something with this in its address."""
        return [path for _, path in self.requests if pattern in path]

    def most_in(self, seconds: float) -> int:
        """Most requests within any stretch of time."""
        times = np.sort([when for when, _ in self.requests])
        ends = np.searchsorted(times, times + seconds, side="right")
        return int(np.max(ends - np.arange(len(times)), initial=0))


class StandInArchive:
    """An archive on a loopback port that the system chooses. Use as a context.

    The files come with `faults`, the listings with `listing_faults`, the answers to queries with
    `query_faults`.

    Attributes
    ----------
    missing : int
        The status of what it does not have: 403 for a public bucket.
    """

    missing = 404

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
        return self.listings_of(TWO_MINUTES)

    def listings_of(self, kind: ProductKind) -> str:
        """The setting of `archive` with the address of the listings of a kind."""
        return f"{self.address}{_LISTINGS[kind]}"

    def addresses(self) -> dict[str, str]:
        """All settings of `archive` that make cvzmpi use it."""
        return {"address": self.address} | {k.listings: self.listings_of(k) for k in KINDS}

    def settings(self) -> list[str]:
        """Command line arguments that make cvzmpi use it."""
        return [f"--set=archive.{name}={address}" for name, address in self.addresses().items()]

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

    def do_POST(self) -> None:
        archive = self.server.archive
        archive.note_request(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = archive.query_faults.choose(0)
        if fault is not None:
            archive.faults.answer(self, fault, b"[", b"")
        elif self.path == "/portal/Mashup/Mashup.asmx/columnsconfig":
            reply(self, mashup.columns_config(body))
        elif self.path == "/api/v0/invoke":
            reply(self, mashup.invoke(body, archive.catalog))
        else:
            reply(self, b"", 404)

    def do_GET(self) -> None:
        archive = self.server.archive
        archive.note_request(unquote(self.path))
        listed = ((kind, path.fullmatch(self.path)) for kind, path in _LISTING.items())
        asked = next(((kind, match) for kind, match in listed if match is not None), None)
        if asked is not None:
            kind, numbers = asked[0], asked[1].groupdict()
            self._answer_listing(kind, int(numbers["sector"]), int(numbers.get("version", 0)))
        elif self.path.startswith(CIRCLE):
            reply(self, b"", 302, {"Location": CIRCLE})
        elif self.path == LOGIN:
            reply(self, PAGES["web page"])
        elif (product := self._product()) is None:
            reply(self, b"", archive.missing)
        elif self.command == "HEAD":
            reply(self, archive.catalog.content(product))
        else:
            self._answer_file(product)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _product(self) -> Product | None:
        """The product that is asked for, by whatever door."""
        parts = urlsplit(self.path)
        if _FILE.fullmatch(parts.path):
            (asked,) = parse_qs(parts.query)["uri"]
        elif parts.path.startswith(_BUCKET):
            asked = parts.path.removeprefix(_BUCKET)
        else:
            return None
        product = self.server.archive.catalog.find(asked.rpartition("/")[2])
        return product if product is not None and asked in {product.uri, product.key} else None

    def _answer_listing(self, kind: ProductKind, sector: int, version: int) -> None:
        archive = self.server.archive
        content = archive.catalog.listing(sector, archive.address, kind, version)
        faults = archive.listing_faults
        fault = faults.choose(sector if sector in faults.always else 0)
        if content is None and fault not in {*STATUSES, *PAGES}:
            reply(self, b"", archive.missing)
        elif fault is not None:
            archive.faults.answer(self, fault, content or b"", b"<html>Too busy</html>")
        else:
            reply(self, content or b"")

    def _answer_file(self, product: Product) -> None:
        archive = self.server.archive
        content = archive.catalog.content(product)
        fault = archive.faults.choose(product.tic)
        if fault is None:
            reply(self, content)
        else:
            is_other = fault == "wrong file"
            other = archive.catalog.content(of_other_star(product)) if is_other else b""
            archive.faults.answer(self, fault, content, other)
        if fault in {None, "slow"}:
            archive.note_delivery(product)


def _established(port: int) -> int:
    """Connections to a port that are open, by the system's own account.

    One that the client has closed is not open any more, whether the server has noticed or not.
    """
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = f":{port:04X}"
    return sum(
        fields[1].endswith(local) and fields[3] == _ESTABLISHED for fields in map(str.split, lines)
    )
