"""The client of the archive: the one place that sends requests to it, few and patiently.

All requests of all threads of a process go through one `ArchiveClient`. An attempt that
fails for a reason that may pass (a timeout, a cut transfer, a 429 or 5xx, content that is not what
it should be) is repeated with growing pauses; a `Retry-After` holds back all threads. Every
transfer is bounded: in time, in speed, and in size.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import requests
import tenacity

from cvzmpi.cvz.archive.http.answers import (
    FILE,
    Body,
    ForbiddenError,
    NotInArchiveError,
    PassingError,
    StoppedError,
    UnusableContentError,
    WrongProductError,
    bounded_body,
    content_length,
    file_body,
    retry_after,
)
from cvzmpi.cvz.archive.http.connections import FAILURES, as_ours, open_session, redirected_to
from cvzmpi.cvz.archive.http.request_rate import RequestRate
from cvzmpi.cvz.archive.http.transfer import Transfer
from cvzmpi.errors import ArchiveDownError
from cvzmpi.messages.said_once import SaidOnce

_T = TypeVar("_T")
_CHUNK = 256 * 1024
_NOT_THERE = {404, 410}
_TOO_MUCH = {429, 503}
_NOT_YET = {202, 408, 425}
_MOST_REDIRECTIONS = 10
_QUIET_SECONDS = 60.0  # an archive that fails now and then is not worth a line each time
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ClientLimits:
    """The limits of all requests: the settings of the same names in `ArchiveConfig`."""

    connections: int = 4
    requests_per_second: float = 10.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    transfer_timeout: float = 600.0
    min_bytes_per_second: float = 2000.0
    attempts: int = 6
    first_pause: float = 1.0
    longest_pause: float = 120.0


class ArchiveClient:
    """Fetches from `http(s)://` and `file://` addresses.

    Parameters
    ----------
    say : callable, optional
        Takes a line when the archive is waited for, and when it answers again.
    """

    def __init__(self, limits: ClientLimits, say: Callable[[str], None] | None = None) -> None:
        self.limits = limits
        self._stopped = threading.Event()
        self._rate = RequestRate(limits.requests_per_second, self._stopped)
        self._connections = threading.BoundedSemaphore(limits.connections)
        self._session = open_session(limits.connections)
        self._said = SaidOnce(say or (lambda _: None), again=math.inf, quiet=_QUIET_SECONDS)

    def stop(self) -> None:
        """End all waiting and all transfers, now and later; from any thread."""
        self._stopped.set()

    def fetch(
        self, address: str, receive: Callable[[Body], _T], largest: float = 64 * MEGABYTE
    ) -> _T:
        """Fetch the content of an address.

        Parameters
        ----------
        receive : callable
            Takes the `Body` of each attempt, and returns the result of `fetch`; raises
            `UnusableContentError` or `WrongProductError` if there is to be another attempt.
        largest : float
            Bytes of the content; more are not read.

        Raises
        ------
        NotInArchiveError
        ForbiddenError
        ArchiveDownError, UnusableContentError, WrongProductError, StoppedError
            As `patiently`.
        """

        def attempt() -> _T:
            if address.startswith(FILE):
                return receive(file_body(address, largest))
            return self._request(address, receive, largest)

        return self.patiently(address, attempt)

    def patiently(self, address: str, attempt: Callable[[], _T]) -> _T:
        """Do something that uses one connection until it succeeds, within the limits.

        Parameters
        ----------
        address : str
            Named in the messages of errors.
        attempt : callable
            Raises `PassingError`, `UnusableContentError` or `WrongProductError` if it is to be
            called again.

        Raises
        ------
        ArchiveDownError
            After the last attempt.
        UnusableContentError, WrongProductError
            After the last attempt, if that brought some content.
        StoppedError
            After `stop`.
        """
        limits = self.limits

        def with_a_connection() -> _T:
            with self._connections:
                if not address.startswith(FILE):
                    self._rate.wait()
                self._check_stopped()
                result = attempt()
            self._said.over("the archive answers again, after {seconds} s")
            return result

        def note(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            if isinstance(error, PassingError | UnusableContentError):
                reason = str(error).removeprefix(f"{address}: ")
                pause = f"asked again in {state.upcoming_sleep:.0f} s"
                self._said.tell(f"waiting for the archive: {address}: {reason}; {pause}", "waiting")

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(limits.attempts),
            wait=_pause(limits.first_pause, limits.longest_pause),
            retry=tenacity.retry_if_exception_type(
                (PassingError, UnusableContentError, WrongProductError)
            ),
            before_sleep=note,
            sleep=self._rest,
            reraise=True,
        )
        try:
            return attempts(with_a_connection)
        except PassingError as error:
            raise ArchiveDownError(f"{address}: {error}, {limits.attempts} times") from error

    def _request(self, address: str, receive: Callable[[Body], _T], largest: float) -> _T:
        limits = self.limits
        bounds = (limits.transfer_timeout, limits.min_bytes_per_second, limits.read_timeout)
        with Transfer(*bounds, self._stopped) as transfer:
            try:
                with closing(self._answer(address)) as response:
                    self._check_status(address, response)
                    return receive(self._body(address, response, transfer, largest))
            except FAILURES as error:
                self._check_cut(transfer)
                raise as_ours(address, error) from error

    def _answer(self, address: str) -> requests.Response:
        """The answer to a request, at the end of all redirections."""
        timeouts = (self.limits.connect_timeout, self.limits.read_timeout)
        place: str | None = address
        for _ in range(_MOST_REDIRECTIONS + 1):
            response = self._session.get(place, stream=True, timeout=timeouts)
            try:
                place = redirected_to(response)
            except ValueError as error:
                response.close()
                raise ArchiveDownError(f"{address}: redirected to what is no address") from error
            if place is None:
                return response
            response.close()
        raise ArchiveDownError(f"{address}: redirected more than {_MOST_REDIRECTIONS} times")

    def _check_status(self, address: str, response: requests.Response) -> None:
        status = response.status_code
        if status in _NOT_THERE and address.rpartition("/")[2] in response.url:
            raise NotInArchiveError(f"{address}: the archive does not have it (status {status})")
        if status in _NOT_THERE:  # a page to log in at, or one that says that all has moved
            raise ArchiveDownError(f"{address}: redirected to {response.url}: status {status}")
        if status == 403:
            raise ForbiddenError(f"{address}: the archive does not give it (status 403)")
        if status in _TOO_MUCH:
            asked = retry_after(response.headers.get("Retry-After", ""))
            pause = min(asked, self.limits.longest_pause)
            self._rate.hold(pause)
            raise PassingError(f"status {status}", pause)
        if status >= 500 or status in _NOT_YET:
            raise PassingError(f"status {status}")
        if status != 200:
            raise ArchiveDownError(f"{address}: status {status}, expected 200")

    def _body(
        self, address: str, response: requests.Response, transfer: Transfer, largest: float
    ) -> Body:
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        length = None if encoded else content_length(response.headers.get("Content-Length", ""))

        def chunks() -> Iterator[bytes]:
            transfer.received(0)
            # not `iter_content`, which waits until a chunk is full
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                transfer.received(len(chunk))
                yield chunk
            self._check_cut(transfer)  # the end of a cut connection looks like one of the content

        return bounded_body(address, length, chunks(), largest)

    def _check_cut(self, transfer: Transfer) -> None:
        self._check_stopped()
        if transfer.cut is not None:
            raise PassingError(transfer.cut)

    def _rest(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError("the job ends")


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
