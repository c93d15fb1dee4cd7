"""The stager: threads that bring light curves into scratch while others are worked on.

It is the only part of a job that downloads. The threads know nothing of MPI, of the ledger or of
units; rank 0 asks for products and collects the results.
"""

from __future__ import annotations

import itertools
import logging
import math
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cvzmpi.cvz.archive.http.answers import StoppedError
from cvzmpi.cvz.archive.scratch.download import Downloader
from cvzmpi.cvz.archive.scratch.quota import ScratchQuota
from cvzmpi.cvz.archive.scratch.scratch import Scratch, StagedFile
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.errors import ArchiveDownError, ArchiveError, ScratchError

_log = logging.getLogger(__name__)

_END_SECONDS = 1.0


@dataclass(frozen=True)
class NotStaged:
    """A product that is not in scratch."""

    product: Product
    reason: str  # one line: target, sector, address, the fault, and a remedy
    archive_down: bool  # true if the archive failed, and may give the product another time


class Stager:
    """Brings products into scratch.

    A failure that may be the archive's is reported only when it is known whether it is that or the
    product's own, so that no light curve counts as failed while the archive is down. Until then it
    is *in doubt*:

    - When another product comes, the archive is well, and those in doubt are asked for again. What
      fails a second time in this way is the product's own failure.
    - After `give_up_after` failures in a row, or when nothing else is asked for, the archive is
      tried out with a product that it gave before. If it gives that, it is well; if not, or if none
      is known, it counts as down: no more is fetched, but what is in scratch is still found.

    Parameters
    ----------
    known_good : Product, optional
        One that the archive gave at another time.
    quota : ScratchQuota, optional
        Counts what is asked for and what is there; by default without a limit.

    Attributes
    ----------
    down : str, optional
        The reason why the archive counts as down; None while it does not.
    n_pending : int
        Products that were asked for and not collected yet.
    n_downloaded : int
        Files that came from the archive.
    """

    def __init__(
        self,
        downloader: Downloader,
        scratch: Scratch,
        n_threads: int,
        give_up_after: int,
        known_good: Product | None = None,
        quota: ScratchQuota | None = None,
    ) -> None:
        self.quota = quota or ScratchQuota(scratch, math.inf)
        self.down: str | None = None
        self.n_pending = 0
        self.n_downloaded = 0
        self._downloader = downloader
        self._scratch = scratch
        self._give_up_after = give_up_after
        self._known_good = known_good
        self._in_doubt: list[NotStaged] = []
        self._asked_again: set[Product] = set()
        self._is_tried_out = False
        self._asked = _Asked()
        self._came: queue.SimpleQueue[_Came] = queue.SimpleQueue()
        # They must not keep a process alive that ends in another way than by `close`.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, product: Product) -> None:
        """Have a product brought into scratch."""
        self.quota.reserve(product)
        self.n_pending += 1
        self._asked.put(product)

    def collect(self) -> Sequence[StagedFile | NotStaged]:
        """The products that came or failed since the last call; returns at once."""
        results: list[StagedFile | NotStaged] = []
        while not self._came.empty():
            came = self._came.get()
            if isinstance(came, Exception):
                raise came
            if isinstance(came, _TryOut):
                results += self._take_trial(came)
            elif isinstance(came, NotStaged) and came.archive_down and self.down is None:
                self._in_doubt.append(came)
            else:
                results.append(came)
                if isinstance(came, StagedFile) and came.address:
                    self.n_downloaded += 1
                    self._known_good = came.product
                    results += self._resolve_doubt()
        nothing_else = len(self._in_doubt) == self.n_pending - len(results)
        if self._in_doubt and (nothing_else or len(self._in_doubt) >= self._give_up_after):
            self._try_out()
        if self.down is not None:
            results += self._in_doubt
            self._in_doubt = []
        self.n_pending -= len(results)
        for result in results:
            if isinstance(result, StagedFile):
                self.quota.fill(result.product, result.size)
            else:
                self.quota.free(result.product)
        return results

    def discard(self, product: Product) -> None:
        """Remove a product from scratch, where it is there."""
        self._scratch.remove(product)
        self.quota.free(product)

    def close(self) -> None:
        """Stop fetching."""
        self._downloader.stop()
        for _ in self._threads:
            self._asked.put_first(None)
        for thread in self._threads:
            thread.join(_END_SECONDS / len(self._threads))

    def _resolve_doubt(self) -> list[NotStaged]:
        """Ask once more, since the archive is well; the failures that are the products' own."""
        own = []
        for failure in self._in_doubt:
            if failure.product in self._asked_again:
                own.append(NotStaged(failure.product, failure.reason, archive_down=False))
            else:
                self._asked_again.add(failure.product)
                self._asked.put(failure.product)
        self._in_doubt = []
        return own

    def _try_out(self) -> None:
        """Try the archive out, to know whether the failures in doubt are its own."""
        if self._known_good is None:
            self._go_down(self._in_doubt[-1].reason)
        elif not self._is_tried_out:
            self._is_tried_out = True
            self._asked.put_first(_TryOut(self._known_good))

    def _take_trial(self, trial: _TryOut) -> list[NotStaged]:
        self._is_tried_out = False
        if trial.failure is None:
            return self._resolve_doubt()
        if self._in_doubt:  # else something came meanwhile
            self._go_down(trial.failure)
        return []

    def _go_down(self, reason: str) -> None:
        self.down = f"the archive counts as down: {reason}"
        _log.warning("%s; nothing more is downloaded", self.down)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                if isinstance(asked, _TryOut):
                    self._came.put(self._try(asked))
                else:
                    self._came.put(self._stage(asked))
            except StoppedError:
                return
            except Exception as error:  # a defect; rank 0 raises it
                self._came.put(error)

    def _try(self, trial: _TryOut) -> _TryOut:
        try:
            self._downloader.try_out(trial.product)
        except StoppedError:
            raise
        except (ArchiveError, ScratchError) as error:
            return replace(trial, failure=_about(trial.product, error))
        return trial

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
            # other errors of the archive are about this light curve
            down = isinstance(error, ArchiveDownError | ScratchError)
            return NotStaged(product, _about(product, error), archive_down=down)


@dataclass(frozen=True)
class _TryOut:
    """A product with which the archive is tried out, and the reason if it did not come."""

    product: Product
    failure: str | None = None


class _Asked:
    """The tasks of the threads, in order; a few are put first."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._queue: queue.PriorityQueue[tuple[bool, int, Product | _TryOut | None]]
        self._queue = queue.PriorityQueue()

    def put(self, asked: Product) -> None:
        self._queue.put((True, next(self._numbers), asked))

    def put_first(self, asked: _TryOut | None) -> None:
        self._queue.put((False, next(self._numbers), asked))

    def get(self) -> Product | _TryOut | None:
        return self._queue.get()[-1]


_Came: TypeAlias = "StagedFile | NotStaged | _TryOut | Exception"


def _about(product: Product, error: Exception) -> str:
    return f"{product.id}: {error}"
