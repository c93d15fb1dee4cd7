"""The client of the metadata store: GraphQL over HTTP.

Every request is a POST of `{"query": ...}`; every reply is `{"data": {root: ...}}` or
`{"errors": [...]}`. The queries select the fields of the models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import islice
from threading import Event, Thread
from types import UnionType
from typing import Any, Union, get_args, get_origin

import requests
from pydantic import BaseModel
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cvzmpi.errors import CvzmpiError, UnavailableError, one_line
from cvzmpi.level2.metadata_store.dataset import Dataset, Experiment, StoreRow
from cvzmpi.messages.foreign_json import ForeignJsonError, parse, plain, shown
from cvzmpi.messages.redaction import shown_content

_STATUS_FIELDS = {
    "health": ("good", "bad", "ill", "unknown"),
    "gosStatus": ("open", "opening", "closed", "closing", "undefined"),
}
"""The statuses of the fields that are counts of frames by status."""

_TRY_AGAIN = (429, 500, 502, 503, 504)
_PART = 1 << 16  # bytes that are read at a time
_N_MESSAGES = 5  # of the store's, in one of ours


class MetadataStoreError(CvzmpiError):
    """The metadata store did not give a usable answer."""


class StoreUnavailableError(MetadataStoreError, UnavailableError):
    """The metadata store did not answer, or cannot now; later it may."""


class QueryRefusedError(MetadataStoreError):
    """The metadata store refused a query."""


class InversionRecord(StoreRow):
    """The record of a published inversion in the store."""

    inversion_id: str
    primary_proposal_id: str
    instrument_program_execution_id: str
    bucket: str
    asdf_object_key: str
    dataset_ids: list[str]
    spectral_lines: list[str]


class MetadataStore:
    """A metadata store.

    Parameters
    ----------
    url : str
        The address for GraphQL requests.
    token : str
        The value of the header `Authorization`; "" for none.
    timeout : float
        Seconds to wait for the beginning of an answer, and between its parts.
    retries : int
        Number of repetitions after a lost connection or an answer that means "not now". A request
        that is repeated has no further effect.
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
        self._url = url
        self._time_for_all = 10 * timeout if time_for_all is None else time_for_all
        self._max_bytes = max_bytes
        self._given_up = Event()
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

    def dataset_inventories(
        self, dataset_ids: Sequence[str] = (), proposals: Sequence[str] = ()
    ) -> list[Any]:
        """The rows of all datasets, or of those with these ids and of these proposals."""
        wanted = {"datasetIds": list(dataset_ids), "primaryProposalIds": list(proposals)}
        parameters = {name: ids for name, ids in wanted.items() if ids}
        arguments = {"filterParams": parameters} if parameters else {}
        return self._rows("datasetInventories", arguments, selection(Dataset))

    def experiment_descriptions(self) -> list[Any]:
        """The rows of all experiments."""
        return self._rows("experimentDescriptions", {}, selection(Experiment))

    def register(self, record: InversionRecord) -> None:
        """Register a published inversion, unless it is registered already.

        Raises
        ------
        MetadataStoreError
            If it is not certain that it is registered.
        """
        call = _call(
            "createL2InversionInventory", {"createParams": record.model_dump(by_alias=True)}
        )
        try:
            self._ask(f"mutation {{ {call} {{ inversionId }} }}")
        except QueryRefusedError as error:
            message = str(error).lower()
            if not (record.inversion_id.lower() in message and "already" in message):
                raise

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _rows(self, root: str, arguments: Mapping[str, Any], fields: str) -> list[Any]:
        data = self._ask(f"{{ {_call(root, arguments)} {{ {fields} }} }}")
        rows = data.get(root)
        if not isinstance(rows, list):
            raise MetadataStoreError(
                f"{self._url}: expected a list of {root}, got {shown(rows, 80)}"
            )
        return rows

    def _ask(self, query: str) -> dict[str, Any]:
        """The `data` of the reply."""
        status, body = self._reply(query)
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
            raise QueryRefusedError(f"{self._url}: {'; '.join(islice(messages, _N_MESSAGES))}")
        if status != requests.codes.ok or not isinstance(content.get("data"), dict):
            raise MetadataStoreError(self._about(status, body, "expected data"))
        data: dict[str, Any] = content["data"]
        return data

    def _reply(self, query: str) -> tuple[int, bytes]:
        """The status and the body of the reply, or an error when the time for it is over.

        Another thread makes the request, so that a slow answer cannot delay this one for longer.
        """
        ended: Future[tuple[int, bytes]] = Future()

        def post() -> None:
            try:
                ended.set_result(self._post(query))
            except BaseException as error:
                ended.set_exception(error)

        Thread(target=post, daemon=True).start()
        try:
            return ended.result(self._time_for_all)
        except FutureTimeoutError as error:
            self._given_up.set()
            raise StoreUnavailableError(
                f"{self._url}: no whole answer within {self._time_for_all:g} s"
            ) from error
        except requests.RequestException as error:
            raise StoreUnavailableError(f"{self._url}: no answer: {one_line(error)}") from error

    def _post(self, query: str) -> tuple[int, bytes]:
        body = bytearray()
        with self._session.post(
            self._url, json={"query": query}, timeout=self._timeout, stream=True
        ) as reply:
            for part in reply.iter_content(_PART):
                body += part
                if len(body) > self._max_bytes:
                    raise MetadataStoreError(
                        f"{self._url}: an answer of more than {self._max_bytes:,} bytes"
                    )
                if self._given_up.is_set():
                    break
            return reply.status_code, bytes(body)

    def _about(self, status: int, body: bytes, expected: str) -> str:
        text = plain(body[:400].decode(errors="replace"), 80)
        return f"{self._url}: {expected}, got status {status}: {shown_content(text)}"


def selection(model: type[BaseModel]) -> str:
    """The selection of a GraphQL query: the fields of a model, with those of its models."""
    parts = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = _model_in(field.annotation)
        if inner is not None:
            key = f"{key} {{ {selection(inner)} }}"
        elif key in _STATUS_FIELDS:
            key = f"{key} {{ {' '.join(_STATUS_FIELDS[key])} }}"
        parts.append(key)
    return " ".join(parts)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that is the type of a field, which may be null."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]
    for choice in choices:
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def _call(root: str, arguments: Mapping[str, Any]) -> str:
    """A root field with its arguments."""
    if not arguments:
        return root
    return f"{root}({', '.join(f'{name}: {_literal(arg)}' for name, arg in arguments.items())})"


def _literal(value: Any) -> str:
    """A value in GraphQL: JSON, but with unquoted keys of objects."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value)


def _message(error: Any) -> str:
    text = error.get("message", error) if isinstance(error, dict) else error
    return plain(text, 300) if isinstance(text, str) else shown(text)
