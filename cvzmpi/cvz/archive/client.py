"""The client: the one place that talks to the archive, with few connections and much patience.

All requests of a process go through one `ArchiveClient`, from whatever threads. An attempt that
fails for a reason that may pass (a timeout, a cut transfer, a 429 or 5xx, content that is not what
it should be) is repeated with growing pauses; a `Retry-After` holds back all threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import tenacity

from cvzmpi import __version__
from cvzmpi.cvz.archive.request_rate import RequestRate
from cvzmpi.errors import ArchiveError, one_line

if TYPE_CHECKING:
    import requests

_T = TypeVar("_T")
_CHUNK = 256 * 1024
_NOT_THERE = {403, 404, 410}  # a public bucket says 403 for what it does not have
_TOO_MUCH = {429, 503}


class NotInArchiveError(ArchiveError):
    """The archive answers, and does not have it."""


class UnavailableError(ArchiveError):
    """The archive did not give it, however often it was asked; another time it may."""


class UnusableContentError(ArchiveError):
    """What the archive sent is not what was asked for; the next attempt may bring the right one."""


class StoppedError(ArchiveError):
    """The job ends; nothing is fetched any more."""


class PassingError(Exception):
    """An attempt failed in a way that may pass; `pause` is how long the archive wants to rest."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class ClientLimits:
    """How gently and how patiently the archive is asked; as in the configuration, see there."""

    connections: int = 4
    requests_per_second: float = 10.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    transfer_timeout: float = 600.0
    attempts: int = 6
    first_pause: float = 1.0
    longest_pause: float = 120.0


@dataclass(frozen=True)
class Body:
    """What an answer brings: its length in bytes, where that was told, and its content."""

    length: int | None
    chunks: Iterator[bytes]


class ArchiveClient:
    """Fetches from `http(s)://` and `file://` addresses.

    Parameters
    ----------
    limits : ClientLimits
    """

    def __init__(self, limits: ClientLimits) -> None:
        self.limits = limits
        self._stopped = threading.Event()
        self._rate = RequestRate(limits.requests_per_second, self._stopped)
        self._connections = threading.BoundedSemaphore(limits.connections)
        self._session = _session(limits.connections)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End all waiting, now and later; from whatever thread."""
        self._stopped.set()

    def text(self, address: str) -> str:
        """Fetch a text."""
        content: bytes = self.fetch(address, lambda body: b"".join(body.chunks))
        return content.decode("utf-8", errors="replace")

    def fetch(self, address: str, receive: Callable[[Body], _T]) -> _T:
        """Fetch what is at an address.

        Parameters
        ----------
        address : str
        receive : callable
            Takes the `Body`, and gives what is returned. Is called again for each attempt; raises
            `UnusableContentError` where the content asks for another one.

        Raises
        ------
        NotInArchiveError
        UnavailableError, UnusableContentError, StoppedError
            As `patiently`.
        """
        local = address.startswith("file://")

        def attempt() -> _T:
            return receive(self._read(address)) if local else self._request(address, receive)

        return self.patiently(address, attempt)

    def patiently(self, address: str, attempt: Callable[[], _T]) -> _T:
        """Do something that uses one connection until it succeeds, within the limits.

        Parameters
        ----------
        address : str
            Named where it does not succeed.
        attempt : callable
            Raises `PassingError` or `UnusableContentError` where it is to be called again.

        Raises
        ------
        UnavailableError
            After the last attempt.
        UnusableContentError
            After the last attempt, if that did bring something.
        StoppedError
            After `stop`.
        """
        limits = self.limits

        def with_a_connection() -> _T:
            with self._connections:
                if not address.startswith("file://"):
                    self._rate.wait()
                self._check_stopped()
                return attempt()

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(limits.attempts),
            wait=_pause(limits.first_pause, limits.longest_pause),
            retry=tenacity.retry_if_exception_type((PassingError, UnusableContentError)),
            sleep=self._rest,
            reraise=True,
        )
        try:
            return attempts(with_a_connection)
        except PassingError as error:
            raise UnavailableError(
                f"{address}: {error}, {limits.attempts} times; try again later"
            ) from error

    def _request(self, address: str, receive: Callable[[Body], _T]) -> _T:
        import requests

        limits = self.limits
        timeouts = (limits.connect_timeout, limits.read_timeout)
        try:
            with closing(self._session.get(address, stream=True, timeout=timeouts)) as response:
                self._check_status(address, response)
                length = response.headers.get("Content-Length")
                return receive(
                    Body(
                        None if length is None else int(length),
                        self._within_time(response.iter_content(_CHUNK)),
                    )
                )
        except requests.Timeout as error:
            raise PassingError("no answer in time") from error
        except requests.ConnectionError as error:
            raise PassingError(f"the connection failed ({_cause(error)})") from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise PassingError("the transfer was cut") from error
        except requests.RequestException as error:
            raise ArchiveError(f"{address}: {one_line(error)}") from error

    def _check_status(self, address: str, response: requests.Response) -> None:
        status = response.status_code
        if status in _NOT_THERE:
            raise NotInArchiveError(f"{address}: the archive does not have it (status {status})")
        if status in _TOO_MUCH:
            pause = min(_retry_after(response), self.limits.longest_pause)
            self._rate.hold(pause)
            raise PassingError(f"status {status}", pause)
        if status >= 500 or status == 408:
            raise PassingError(f"status {status}")
        if status != 200:
            raise ArchiveError(f"{address}: status {status}, expected 200")

    def _within_time(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """End a transfer that goes on, but for ever."""
        begin = time.monotonic()
        for chunk in chunks:
            self._check_stopped()
            if time.monotonic() - begin > self.limits.transfer_timeout:
                raise PassingError(f"not there after {self.limits.transfer_timeout:g} s")
            yield chunk

    def _read(self, address: str) -> Body:
        path = Path(unquote(urlsplit(address).path))
        try:
            return Body(path.stat().st_size, _file_chunks(path))
        except FileNotFoundError as error:
            raise NotInArchiveError(f"{address}: no such file") from error
        except OSError as error:
            raise PassingError(one_line(error)) from error

    def _rest(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError("the job ends")


def _session(connections: int) -> requests.Session:
    """HTTP connections that are kept and used again, at most so many for each host."""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # compressed on the way, a file would have another length than the one it is announced with
    session.headers.update(
        {"User-Agent": f"cvzmpi/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"}
    )
    return session


def _pause(first: float, longest: float) -> Callable[[tenacity.RetryCallState], float]:
    """Pauses that double, with a random part so that threads do not come all at once."""
    growing = tenacity.wait_exponential(multiplier=first, max=longest) + tenacity.wait_random(
        0, first
    )

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.pause if isinstance(error, PassingError) else 0.0
        return max(asked, min(growing(state), longest))

    return pause


def _retry_after(response: requests.Response) -> float:
    """Seconds that the archive asks to be left alone: a number, or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _cause(error: BaseException) -> str:
    """The innermost reason: what requests and urllib3 say around it fills lines."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return one_line(error)


def _file_chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise PassingError(one_line(error)) from error
