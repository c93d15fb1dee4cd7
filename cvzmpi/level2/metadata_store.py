"""The client of the metadata store: GraphQL over HTTP.

Every request is a POST of `{"query": ...}`; every reply is `{"data": {root: ...}}` or
`{"errors": [...]}`. What the queries ask for are the fields of our models, no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

import requests
from pydantic import BaseModel
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cvzmpi.errors import CvzmpiError, one_line
from cvzmpi.level2.dataset import Dataset, Experiment, StoreRow

_STATUS_FIELDS = {
    "health": ("good", "bad", "ill", "unknown"),
    "gosStatus": ("open", "opening", "closed", "closing", "undefined"),
}
"""The fields of what arrives as frames by status."""

_TRY_AGAIN = (429, 500, 502, 503, 504)


class MetadataStoreError(CvzmpiError):
    """The metadata store did not give a usable answer."""


class QueryRefusedError(MetadataStoreError):
    """The metadata store answered that it cannot do what was asked."""


class InversionRecord(StoreRow):
    """What the store is told of a published inversion."""

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
        Where it takes GraphQL requests.
    token : str
        For the header `Authorization`; "" for none.
    timeout : float
        Seconds to wait for an answer to begin, and between its parts.
    retries : int
        How often a request is repeated after a lost connection or an answer that says "not now".
        All requests may be: none does anything a second time.
    backoff : float
        Seconds before the second repetition; each further one waits twice as long.
    """

    def __init__(
        self, url: str, token: str = "", timeout: float = 60.0, retries: int = 4, backoff: float = 1
    ) -> None:
        self._url = url
        self._timeout = (min(timeout, 10.0), timeout)
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc in place of our token
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
        """Register a published inversion; one that is registered already stays as it is.

        Raises
        ------
        MetadataStoreError
            If it is not registered for sure.
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
        """Give the connections back."""
        self._session.close()

    def _rows(self, root: str, arguments: Mapping[str, Any], fields: str) -> list[Any]:
        data = self._ask(f"{{ {_call(root, arguments)} {{ {fields} }} }}")
        rows = data.get(root)
        if not isinstance(rows, list):
            raise MetadataStoreError(f"{self._url}: expected a list of {root}, got {rows!r:.80}")
        return rows

    def _ask(self, query: str) -> dict[str, Any]:
        """The `data` of the reply."""
        try:
            reply = self._session.post(self._url, json={"query": query}, timeout=self._timeout)
        except requests.RequestException as error:
            raise MetadataStoreError(f"{self._url}: no answer: {one_line(error)}") from error
        try:
            content = reply.json()
        except ValueError as error:
            raise MetadataStoreError(self._about(reply, "expected JSON")) from error
        if not isinstance(content, dict):
            raise MetadataStoreError(self._about(reply, "expected an object"))
        if content.get("errors"):
            messages = "; ".join(_message(error) for error in content["errors"])
            raise QueryRefusedError(f"{self._url}: {messages}")
        if reply.status_code != requests.codes.ok or not isinstance(content.get("data"), dict):
            raise MetadataStoreError(self._about(reply, "expected data"))
        data: dict[str, Any] = content["data"]
        return data

    def _about(self, reply: requests.Response, expected: str) -> str:
        text = " ".join(reply.text.split())[:80]
        return f"{self._url}: {expected}, got status {reply.status_code}: {text!r}"


def selection(model: type[BaseModel]) -> str:
    """The fields of a model as what a GraphQL query selects, with those of its models."""
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
    """The model of a field, also of one that may be null."""
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
    """A value as GraphQL writes it: as JSON, but for the keys of objects."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value)


def _message(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
