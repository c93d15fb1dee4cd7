"""Moments of a process at the services that it asks, seen by those who stand in between."""

from __future__ import annotations

import threading
from collections.abc import Callable


class LostError(Exception):
    """The process is dead; what it asked for did not arrive any more."""


class Moments:
    """The moments of a process, in their order; at one of them it is killed.

    A forwarder calls `reached` before it passes a request on and before it passes an answer back.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._lock = threading.Lock()
        self._kill: Callable[[], None] | None = None
        self._at = 0
        self._is_dead = False

    def begin(self, kill: Callable[[], None] | None = None, at: int = 0) -> None:
        """Begin anew with another process, which is killed at a moment, counted from 1."""
        with self._lock:
            self.names, self._kill, self._at, self._is_dead = [], kill, at, False

    def reached(self, name: str) -> None:
        """Note a moment.

        Raises
        ------
        LostError
            If the process is dead: then nothing that it asks for arrives.
        """
        with self._lock:
            if self._is_dead:
                raise LostError
            self.names.append(name)
            if self._kill is not None and len(self.names) == self._at:
                self._kill()
                self._is_dead = True
                raise LostError
