"""GraphQL over HTTP: documents with variables out, the `data` of an answer in, within bounds.

Every request is a POST of `{"query": ..., "variables": ...}`; every reply is `{"data": ...}` or
`{"errors": [...]}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import islice
from threading import Event, Thread
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from cvzmpi.errors import CvzmpiError, UnavailableError, one_line
from cvzmpi.messages.foreign_json import ForeignJsonError, parse, plain, shown
from cvzmpi.messages.redaction import shown_content

_TRY_AGAIN = (429, 500, 502, 503, 504)
_PART = 1 << 16  # bytes that are read at a time
_N_MESSAGES = 5  # of the store's, in one of ours


class MetadataStoreError(CvzmpiError):
    """The metadata store did not give a usable answer."""


class StoreUnavailableError(MetadataStoreError, UnavailableError):
    """The metadata store did not answer, or cannot now; later it may."""


class QueryRefusedError(MetadataStoreError):
    """The metadata store refused a query."""


class GraphQLEndpoint:
    """The address of a metadata store for GraphQL requests.

    Parameters
    ----------
    url : str
        The address for GraphQL requests.
    token : str
        The value of the header `Authorization`; "" for none.
    timeout : float
        Seconds to wait for the beginning of an answer, and between its parts.
    retries : int
        Number of repetitions after a lost connection or an answer that means "not now". Those who
        ask know what a repeated request does.
    backoff : float
        Seconds before the second repetition; each further one waits twice as long.
    time_for_all : float, optional
        Seconds for a request with its repetitions and its whole answer; by default ten times the
        timeout.
    max_bytes : int
        Limit of an answer.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        timeout: float = 60.0,
        retries: int = 4,
        backoff: float = 1,
        time_for_all: float | None = None,
        max_bytes: int = 1 << 28,
    ) -> None:
        self.url = url
        self._time_for_all = 10 * timeout if time_for_all is None else time_for_all
        self._max_bytes = max_bytes
        self._timeout = (min(timeout, 10.0), timeout)
        self._session = requests.Session()
        self._session.trust_env = False  # else a .netrc would replace the token
        if token:
            self._session.headers["Authorization"] = token
        retry = Retry(
            total=retries,
            backoff_factor=backoff,
            status_forcelist=_TRY_AGAIN,
            allowed_methods={"POST"},
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The `data` of the reply to a document.

        Raises
        ------
        StoreUnavailableError
            If there is no answer, or one that means "not now".
        QueryRefusedError
            If the reply has errors.
        MetadataStoreError
            If it is none.
        """
        status, body = self._reply({"query": document, "variables": dict(variables)})
        try:
            content = parse(body, strict=False)
        except ForeignJsonError as error:
            about = self._about(status, body, "expected JSON")
            kind = StoreUnavailableError if status in _TRY_AGAIN else MetadataStoreError
            raise kind(f"{about}: {error}") from error
        if not isinstance(content, dict):
            raise MetadataStoreError(self._about(status, body, "expected an object"))
        if errors := content.get("errors"):
            messages = map(_message, errors if isinstance(errors, list) else [errors])
            refused = StoreUnavailableError if status in _TRY_AGAIN else QueryRefusedError
            raise refused(f"{self.url}: {'; '.join(islice(messages, _N_MESSAGES))}")
        if status != requests.codes.ok or not isinstance(content.get("data"), dict):
            raise MetadataStoreError(self._about(status, body, "expected data"))
        data: dict[str, Any] = content["data"]
        return data

    def _reply(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        """The status and the body of the reply, or an error when the time for it is over.

        Another thread makes the request, so that a slow answer cannot delay this one for longer.
        """
        ended: Future[tuple[int, bytes]] = Future()
        given_up = Event()

        def post() -> None:
            try:
                ended.set_result(self._post(request, given_up))
            except BaseException as error:
                ended.set_exception(error)

        Thread(target=post, daemon=True).start()
        try:
            return ended.result(self._time_for_all)
        except FutureTimeoutError as error:
            given_up.set()
            raise StoreUnavailableError(
                f"{self.url}: no whole answer within {self._time_for_all:g} s"
            ) from error
        except requests.RequestException as error:
            raise StoreUnavailableError(f"{self.url}: no answer: {one_line(error)}") from error
        except (HTTPError, ValueError) as error:  # as for a Location that is no address
            raise MetadataStoreError(f"{self.url}: no usable answer: {one_line(error)}") from error

    def _post(self, request: Mapping[str, Any], given_up: Event) -> tuple[int, bytes]:
        body = bytearray()
        with self._session.post(
            self.url,
            json=request,
            timeout=self._timeout,
            stream=True,
            allow_redirects=False,  # a redirected POST would become a GET
        ) as reply:
            for part in reply.iter_content(_PART):
                body += part
                if len(body) > self._max_bytes:
                    raise MetadataStoreError(
                        f"{self.url}: an answer of more than {self._max_bytes:,} bytes"
                    )
                if given_up.is_set():
                    break
            return reply.status_code, bytes(body)

    def _about(self, status: int, body: bytes, expected: str) -> str:
        text = plain(body[:400].decode(errors="replace"), 80)
        return f"{self.url}: {expected}, got status {status}: {shown_content(text)}"


def _message(error: Any) -> str:
    text = error.get("message", error) if isinstance(error, dict) else error
    return plain(text, 300) if isinstance(text, str) else shown(text)
