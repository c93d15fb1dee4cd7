"""The stager: threads that bring light curves into scratch while others are worked on.

It is the only part of a job that downloads. The threads know nothing of MPI, of the ledger or of
units; rank 0 asks for products and collects what became of them.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from cvzmpi.cvz.archive.client import StoppedError, UnavailableError
from cvzmpi.cvz.archive.download import Downloader
from cvzmpi.cvz.archive.product import Product
from cvzmpi.cvz.archive.scratch import Scratch, ScratchError, StagedFile
from cvzmpi.errors import ArchiveError

_log = logging.getLogger(__name__)

_END_SECONDS = 1.0


@dataclass(frozen=True)
class NotStaged:
    """A product that is not in scratch.

    Attributes
    ----------
    product : Product
    reason : str
        One line: target, sector, address, what happened, what to do.
    archive_down : bool
        Whether it was not for this product: it may be had another time.
    """

    product: Product
    reason: str
    archive_down: bool


class Stager:
    """Brings products into scratch.

    After `give_up_after` failures in a row that an archive without fault would not have had, the
    archive counts as down: no more is fetched, but what is in scratch already is still found. So
    that a dead archive costs no light curve its life, such failures are told only when it is known
    whether they were the archive's (it went down) or their own (others came).

    Parameters
    ----------
    downloader : Downloader
    scratch : Scratch
    n_threads : int
    give_up_after : int

    Attributes
    ----------
    down : str, optional
        Why the archive counts as down; None while it does not.
    n_pending : int
        Products that were asked for and not collected yet.
    n_downloaded : int
        Files that came from the archive.
    """

    def __init__(
        self, downloader: Downloader, scratch: Scratch, n_threads: int, give_up_after: int
    ) -> None:
        self.down: str | None = None
        self.n_pending = 0
        self.n_downloaded = 0
        self._downloader = downloader
        self._scratch = scratch
        self._give_up_after = give_up_after
        self._in_doubt: list[NotStaged] = []
        self._asked: queue.SimpleQueue[Product | None] = queue.SimpleQueue()
        self._came: queue.SimpleQueue[StagedFile | NotStaged | Exception] = queue.SimpleQueue()
        # They must not keep a process alive that ends in another way than by `close`.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, product: Product) -> None:
        """Have a product brought into scratch."""
        self.n_pending += 1
        self._asked.put(product)

    def collect(self) -> Sequence[StagedFile | NotStaged]:
        """What became of products since the last call; returns at once."""
        results: list[StagedFile | NotStaged] = []
        while not self._came.empty():
            came = self._came.get()
            if isinstance(came, Exception):
                raise came
            if isinstance(came, NotStaged) and came.archive_down and self.down is None:
                self._doubt(came)
            else:
                results.append(came)
                if isinstance(came, StagedFile) and came.address:
                    self.n_downloaded += 1
                    results += self._blame_products()
        if self._in_doubt and len(self._in_doubt) == self.n_pending - len(results):
            # nothing more comes that would decide it
            if self.n_downloaded:
                results += self._blame_products()
            else:
                self._go_down(self._in_doubt[-1])
        if self.down is not None:
            results += self._in_doubt
            self._in_doubt = []
        self.n_pending -= len(results)
        return results

    def close(self) -> None:
        """Stop fetching. A thread that waits for the archive ends when its time-out does."""
        self._downloader.stop()
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join(_END_SECONDS / len(self._threads))

    def _doubt(self, failure: NotStaged) -> None:
        self._in_doubt.append(failure)
        if len(self._in_doubt) >= self._give_up_after:
            self._go_down(failure)

    def _go_down(self, failure: NotStaged) -> None:
        self.down = f"the archive counts as down: {failure.reason}"
        _log.warning("%s; nothing more is downloaded", self.down)

    def _blame_products(self) -> list[NotStaged]:
        """The failures in doubt were not the archive's."""
        blamed = [NotStaged(f.product, f.reason, archive_down=False) for f in self._in_doubt]
        self._in_doubt = []
        return blamed

    def _work(self) -> None:
        while (product := self._asked.get()) is not None:
            try:
                self._came.put(self._stage(product))
            except StoppedError:
                return
            except Exception as error:  # a defect; rank 0 raises it
                self._came.put(error)

    def _stage(self, product: Product) -> StagedFile | NotStaged:
        try:
            staged = self._scratch.find(product)
            if staged is not None:
                return staged
            if self.down is not None:
                return NotStaged(product, self.down, archive_down=True)
            return self._downloader.download(product, self._scratch)
        except StoppedError:
            raise
        except (ArchiveError, ScratchError) as error:
            return NotStaged(
                product,
                f"TIC {product.tic} sector {product.sector}: {error}",
                archive_down=isinstance(error, UnavailableError | ScratchError),
            )
