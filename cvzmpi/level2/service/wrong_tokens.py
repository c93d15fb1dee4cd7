"""Waiting times of clients that sent wrong tokens."""

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
    """Counts wrong tokens by client address.

    Three are free; after each further one the client has to wait, 1 s at first, then twice as long
    each time, up to 5 minutes. A right token, or an hour without a wrong one, resets the count. Of
    more than 10,000 addresses, those with the oldest wrong token are forgotten.

    Parameters
    ----------
    clock : callable
        Returns the time in seconds, from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> int:
        """Seconds until another token of an address is checked."""
        with self._lock:
            client = self._clients.get(_network(address))
            return 0 if client is None else max(math.ceil(client.free_at - self._clock()), 0)

    def wrong(self, address: str) -> None:
        """Count a wrong token of an address."""
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
        """Forget the wrong tokens of an address."""
        with self._lock:
            self._clients.pop(_network(address), None)


def _network(address: str) -> str:
    """The address of a client; of IPv6 the network of 64 bits, which one household has."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if known.version == 6:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return address
