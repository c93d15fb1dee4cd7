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
        self._name: str | None = None
        self._is_dead = False

    def begin(
        self, kill: Callable[[], None] | None = None, at: int = 0, name: str | None = None
    ) -> None:
        """Begin anew with another process, which is killed at a moment.

        Parameters
        ----------
        kill : callable, optional
            Kills the process; by default it is not killed.
        at : int
            The number of the moment, from 1.
        name : str, optional
            Moments of this name are counted; by default all are.
        """
        with self._lock:
            self.names, self._kill, self._at, self._name = [], kill, at, name
            self._is_dead = False

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
            n = len(self.names) if self._name is None else self.names.count(self._name)
            if self._kill is not None and n == self._at and self._name in (None, name):
                self._kill()
                self._is_dead = True
                raise LostError
