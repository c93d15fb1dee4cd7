"""Who tries tokens waits, the longer the more were wrong; nobody else does."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_FREE = 3
_LONGEST = 300.0
_FORGOTTEN_AFTER = 3600.0
_MAX_CLIENTS = 10_000


@dataclass
class _Client:
    n_wrong: int = 0
    free_at: float = 0.0


class WrongTokens:
    """Counts wrong tokens by the address that they come from.

    Three are free; after each further one the address has to wait, 1 s at first, then twice as long
    each time, 5 minutes at most. A right token, or an hour without a wrong one, ends it. Of more
    than 10,000 addresses those are forgotten whose last wrong token is the oldest.

    Parameters
    ----------
    clock : callable
        The time in seconds, from whatever beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> int:
        """How long an address has to wait before another token of it is looked at."""
        with self._lock:
            client = self._clients.get(_network(address))
            return 0 if client is None else max(math.ceil(client.free_at - self._clock()), 0)

    def wrong(self, address: str) -> None:
        """A wrong token came from an address."""
        now = self._clock()
        with self._lock:
            client = self._clients.pop(_network(address), None)
            if client is None or now - client.free_at > _FORGOTTEN_AFTER:
                client = _Client()
            client.n_wrong += 1
            doublings = min(client.n_wrong - _FREE - 1, 10)
            pause = 0.0 if client.n_wrong <= _FREE else min(2.0**doublings, _LONGEST)
            client.free_at = now + pause
            self._clients[_network(address)] = client
            if len(self._clients) > _MAX_CLIENTS:
                self._clients.popitem(last=False)

    def right(self, address: str) -> None:
        """The right token came from an address."""
        with self._lock:
            self._clients.pop(_network(address), None)


def _network(address: str) -> str:
    """What one client has: an address, or the 64 bits of IPv6 that a household gets."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if known.version == 6:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return address
