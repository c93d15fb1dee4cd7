"""Transfers: a request and its answer, bounded in time and speed by the clock.

The time-outs of a socket hold for each read alone: a server that sends a byte now and then stays
within them. So a thread watches each transfer and cuts its connection when it takes too long or is
too slow, or when the job ends. A read that waits for the connection then ends at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_LOOK_SECONDS = 0.1


class Transfer:
    """One request and its answer. Use as a context, in the thread that asks.

    Parameters
    ----------
    seconds : float
        The longest time from the request to the last byte, redirections included.
    bytes_per_second : float
        The least content, on average over each stretch of `stretch_seconds`.
    stopped : threading.Event
        Ends the transfer.

    Attributes
    ----------
    cut : str, optional
        The reason why the connection was cut; None if it was not.
    """

    def __init__(
        self,
        seconds: float,
        bytes_per_second: float,
        stretch_seconds: float,
        stopped: threading.Event,
    ) -> None:
        self.cut: str | None = None
        self._seconds = seconds
        self._bytes_per_second = bytes_per_second
        self._stretch_seconds = stretch_seconds
        self._stopped = stopped
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._n_received: int | None = None  # None before the content begins
        self._watch = threading.Thread(target=self._look_at_clock, daemon=True)

    @classmethod
    def current(cls) -> Transfer | None:
        """The transfer that this thread is in."""
        return getattr(_of_thread, "transfer", None)

    def __enter__(self) -> Transfer:
        _of_thread.transfer = self
        self._watch.start()
        return self

    def __exit__(self, *error: object) -> None:
        _of_thread.transfer = None
        with self._lock:  # afterwards the connection belongs to another transfer
            self._ended.set()

    def use(self, connection: socket.socket) -> None:
        """Set the connection that the transfer uses from now on."""
        with self._lock:
            self._socket = connection
            if self.cut is not None:
                _shut(connection)

    def received(self, n_bytes: int) -> None:
        """Count bytes of the content that came; the first call, also with 0, begins the content."""
        self._n_received = (self._n_received or 0) + n_bytes

    def _look_at_clock(self) -> None:
        begin = time.monotonic()
        stretch_begin, received_before = begin, 0
        while not self._ended.wait(_LOOK_SECONDS):
            now, received = time.monotonic(), self._n_received
            if self._stopped.is_set():
                self._cut("the job ends")
            elif now - begin > self._seconds:
                self._cut(f"not there after {self._seconds:g} s")
            elif received is None:
                stretch_begin = now
            elif (seconds := now - stretch_begin) > self._stretch_seconds:
                if received - received_before < self._bytes_per_second * seconds:
                    self._cut(
                        f"{received - received_before} bytes came in {seconds:.3g} s, expected "
                        f"{self._bytes_per_second:g} a second"
                    )
                stretch_begin, received_before = now, received

    def _cut(self, reason: str) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self.cut = self.cut or reason
            if self._socket is not None:
                _shut(self._socket)


_of_thread = threading.local()


def _shut(connection: socket.socket) -> None:
    """End all reads of a connection, also those that wait; its owner closes it."""
    with contextlib.suppress(OSError):
        # of an encrypted connection, the one below: its own `shutdown` is for the thread that reads
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
