"""The faults of the stand-in archive, and their frequency."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence

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

TRANSFERS = (
    "drip",
    "drip of headers",
    "chunks that drip",
    "endless",
    "bomb",
    "broken gzip",
    "announced too large",
    "no length",
    "odd length",
    "odd pause",
    "redirected in a circle",
    "redirected to nowhere",
    "redirected to log in",
)
"""Transfers that never end or are too large, and odd HTTP."""

ALL_KINDS = (*KINDS, *STATUSES, *PAGES, *TRANSFERS)


class Faults:
    """Chooses the answers that go wrong.

    Parameters
    ----------
    share : float
        The share of answers that go wrong.
    kinds : sequence of str
        Their faults, which are some of `ALL_KINDS`.
    seed : int

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
        unknown = set(kinds) - set(ALL_KINDS)
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
