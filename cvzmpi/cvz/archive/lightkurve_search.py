"""Search and download with lightkurve's own client, for a few targets.

The client has no time limit for an answer, takes half a file of an earlier failure for the whole
one, keeps the archive's address from when it was imported, and needs seconds and 230 MB to start.
So it lives in a process of its own (`lightkurve_client`), which is killed when it does not answer,
and every download of it goes into an empty directory.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cvzmpi.cvz.archive.asked_kinds import asked_kinds
from cvzmpi.cvz.archive.http.answers import NotInArchiveError, PassingError
from cvzmpi.cvz.archive.http.client import MEGABYTE, ArchiveClient
from cvzmpi.cvz.archive.scratch.scratch import Scratch, StagedFile
from cvzmpi.cvz.light_curves.chosen_products import ONLY_SPOC_120, ChosenProducts
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import ProductKind
from cvzmpi.errors import ArchiveError, ConfigError
from cvzmpi.extras import require

_START_SECONDS = 120.0
"""Time to import lightkurve, on a slow file system."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The client computes nothing, and each thread takes memory."""


class LightkurveSearch:
    """The archive as lightkurve's client sees it, asked one question at a time; a `Downloader`.

    Parameters
    ----------
    client : ArchiveClient
        Gives the limits: rate, attempts, pauses, and the time for a transfer.
    base : str
        The archive's address.
    largest : float
        Bytes of a light curve; more are not read.
    chosen : ChosenProducts
        The products that are looked for.
    """

    def __init__(
        self,
        client: ArchiveClient,
        base: str,
        largest: float = 64 * MEGABYTE,
        chosen: ChosenProducts = ONLY_SPOC_120,
    ) -> None:
        if not base.startswith(("http://", "https://")):
            raise ConfigError(f'archive.address = "{base}": lightkurve needs http:// or https://')
        require("lightkurve")
        self._client = client
        self._base = base.rstrip("/")
        self._largest = largest
        self._chosen = chosen
        self._kinds = asked_kinds(chosen)
        self._process: _ClientProcess | None = None
        self._one_at_a_time = threading.Lock()

    def products(self, tics: Iterable[int]) -> Iterator[Product]:
        """The light curves of some stars, by star.

        Raises
        ------
        ArchiveError
            If a search does not succeed.
        """
        for tic in tics:
            question = {"search": tic, **_of_whom(self._kinds)}
            answer = self._ask(f"{self._base} (search for TIC {tic})", question)
            yield from sorted(self._those_chosen(answer["names"]))

    def _those_chosen(self, names: Iterable[str]) -> set[Product]:
        """The products that are looked for, of all that the archive has with an observation."""
        products = {
            Product.of_name(name)
            for name in names
            if any(kind.file_name.fullmatch(name) for kind in self._kinds)
        }
        return {found for found in products if self._chosen.place(found.product) is not None}

    def address(self, product: Product) -> str:
        """The address of a product."""
        return f"{self._base}/api/v0.1/Download/file?uri={product.uri}"

    def download(self, product: Product, scratch: Scratch) -> StagedFile:
        """Fetch a product and verify it."""
        scratch.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".lightkurve-", dir=scratch.directory) as empty:
            path = self._download(product, Path(empty))
            return scratch.adopt(product, path, self.address(product))

    def try_out(self, product: Product) -> None:
        """Check that the archive gives a product."""
        with tempfile.TemporaryDirectory(prefix="cvzmpi-lightkurve-") as elsewhere:
            Scratch(Path(elsewhere), 0).adopt(
                product, self._download(product, Path(elsewhere)), self.address(product)
            )

    def stop(self) -> None:
        """End all downloads."""
        self._client.stop()
        process = self._process
        if process is not None:
            process.kill()

    def _download(self, product: Product, directory: Path) -> Path:
        question: dict[str, Any] = {"download": product.name, "tic": product.tic}
        question |= {"sector": product.sector, **_of_whom((product.kind,))}
        answer = self._ask(self.address(product), question | {"directory": str(directory)})
        return Path(answer["path"])

    def _ask(self, address: str, question: dict[str, Any]) -> dict[str, Any]:
        return self._client.patiently(address, lambda: self._attempt(address, question))

    def _attempt(self, address: str, question: dict[str, Any]) -> dict[str, Any]:
        with self._one_at_a_time:
            if self._process is None:
                self._process = _ClientProcess(self._base, self._largest)
            answer = self._process.ask(question, self._client.limits.transfer_timeout)
            if answer is None or "failed" in answer:
                # where something failed, the client may go on with what it remembers of that
                self._process.kill()
                self._process = None
            if answer is None:
                raise PassingError("lightkurve's client did not answer in time")
        if answer.get("missing"):
            raise NotInArchiveError(f"{address}: the archive does not have it")
        if "failed" in answer:
            raise PassingError(answer["failed"])
        return answer


def _of_whom(kinds: Sequence[ProductKind]) -> dict[str, Any]:
    """The author and the exposure to ask for, as lightkurve calls them.

    Light curves of full-frame images are asked for without an exposure: the archive's table says
    600 s for some of 1800 s (lightkurve, issue 1011).
    """
    authors = list(dict.fromkeys(kind.author for kind in kinds))
    seconds = {kind.seconds for kind in kinds}
    return {"author": authors, "exptime": seconds.pop() if len(seconds) == 1 else None}


class _ClientProcess:
    """A process in which lightkurve's client answers questions, a line of JSON for each."""

    def __init__(self, base: str, largest: float) -> None:
        self._settings = tempfile.TemporaryDirectory(prefix="cvzmpi-lightkurve-")
        # astroquery reads the archive's address when it is imported
        configuration = Path(self._settings.name) / "astroquery.cfg"
        configuration.write_text(f"[mast]\nserver = {base}\n", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cvzmpi.cvz.archive.lightkurve_client", str(int(largest))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ASTROPY_CONFIG_DIR": self._settings.name} | _ONE_THREAD,
        )
        self._received = b""
        if self._answer(_START_SECONDS) is None:
            self.kill()
            raise ArchiveError("lightkurve's client does not start: try `python -m lightkurve`")

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer to a question; None if there is none in time."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return None  # it died
        return self._answer(seconds)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._settings.cleanup()

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        stream, until = self._process.stdout.fileno(), time.monotonic() + seconds
        while b"\n" not in self._received:
            left = until - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                return None
            received = os.read(stream, 65536)
            if not received:
                return None  # it died
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer
