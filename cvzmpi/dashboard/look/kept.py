"""Values that are asked for again and again, and made anew after some seconds only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from cvzmpi.errors import CvzmpiError

T = TypeVar("T")


class Kept(Generic[T]):
    """A value for all who ask within some seconds, so that many readers cost as much as one.

    An error is kept as well: while a database is away, not each reader waits for it.

    Parameters
    ----------
    make : callable
        Makes the value; called by one thread at a time.
    seconds : float
        For which it is kept.
    """

    def __init__(
        self, make: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make, self._seconds, self._clock = make, seconds, clock
        self._lock = threading.Lock()
        self._made: float | None = None
        self._value: T | CvzmpiError

    def get(self) -> T:
        """The value.

        Raises
        ------
        CvzmpiError
            What `make` raised.
        """
        with self._lock:
            if self._made is None or self._clock() - self._made >= self._seconds:
                try:
                    self._value = self._make()
                except CvzmpiError as error:
                    self._value = error
                self._made = self._clock()
            if isinstance(self._value, CvzmpiError):
                raise self._value.with_traceback(None)
            return self._value
