"""A metadata store on loopback: the store's own GraphQL schema, executed behind a real HTTP server.

It answers `datasetInventories` (with filters and pages), `experimentDescriptions` and
`l2Inversions`, takes the mutation `createL2InversionInventory`, validates queries as GraphQL does,
and fails on demand. Its rows are a plain list that a test changes as it likes. The schema is the
real one where that is at hand, and else the part of it in `metadata_store/trimmed_schema.graphql`.
"""

import copy
import json
import threading
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from graphql import GraphQLError, build_schema, graphql_sync

from tests.loopback import served_on_loopback

REAL_SCHEMA = Path(__file__).parents[3] / "shared/data/level2/metadata_store_schema.graphql"
TRIMMED_SCHEMA = Path(__file__).parent / "metadata_store" / "trimmed_schema.graphql"


@cache
def schema_in(file):
    return build_schema(file.read_text())


TOKEN = "Bearer of the tests"


class StandInStore:
    """What the store holds, and how it behaves.

    `datasets` and `experiments` are its rows, `inversions` the records that were registered, in
    order. `requests` are the queries that arrived, `schema` is what they are carried out by.
    `failures` are (HTTP status, body) or (HTTP status, body, headers), each given in place of one
    answer, or None for an answer; with `answers_lost` = n the next n registrations are carried out
    and their answers lost; after `hold` registrations are carried out, and answered only after
    `let_go`.
    """

    def __init__(self, datasets=(), experiments=()):
        self.datasets = copy.deepcopy(list(datasets))
        self.experiments = copy.deepcopy(list(experiments))
        self.inversions = []
        self.requests = []
        self.failures = []
        self.answers_lost = 0
        self.url = ""
        self._lock = threading.Lock()
        self._free = threading.Event()
        self.let_go()
        self.schema = schema_in(REAL_SCHEMA if REAL_SCHEMA.exists() else TRIMMED_SCHEMA)

    def row(self, dataset_id):
        """The row of a dataset, to be changed."""
        (row,) = (r for r in self.datasets if r["datasetId"] == dataset_id)
        return row

    def hold(self):
        self._free.clear()

    def let_go(self):
        self._free.set()

    def reply(self, authorization, body):
        """The HTTP status and the body of the reply, None where the answer gets lost."""
        request = json.loads(body)
        reply = self._carry_out(authorization, request)
        if _registers(request):
            self._free.wait()
        return reply

    def _carry_out(self, authorization, request):
        with self._lock:
            self.requests.append(request["query"])
            if self.failures and (failure := self.failures.pop(0)) is not None:
                return failure
            if authorization != TOKEN:
                return 401, json.dumps({"errors": [{"message": "not authorized"}]})
            result = graphql_sync(
                self.schema,
                request["query"],
                root_value=self._roots(),
                variable_values=request.get("variables"),
            )
            if self.answers_lost > 0 and _registers(request):
                self.answers_lost -= 1
                return None
            return 200, json.dumps(result.formatted)

    def _roots(self):
        return {
            "datasetInventories": self._dataset_inventories,
            "experimentDescriptions": self._experiment_descriptions,
            "l2Inversions": self._inversions,
            "createL2InversionInventory": self._create_inversion,
        }

    def _dataset_inventories(self, info, filterParams=None):
        wanted = filterParams or {"pageSize": None, "pageNumber": 1, "sortColumn": "createDate"}
        rows = [
            {
                **_FILLED_IN,
                "datasetInventoryId": n,
                "productId": f"L1-{row.get('datasetId')}",
                **row,
            }
            for n, row in enumerate(self.datasets)
        ]
        for name, key in _FILTERS.items():
            if name in wanted:
                rows = [row for row in rows if row.get(key) in wanted[name]]
        rows.sort(key=lambda row: str(row.get(wanted["sortColumn"])))
        if (size := wanted["pageSize"]) is None:
            return rows
        first = (wanted["pageNumber"] - 1) * size
        return rows[first : first + size]

    def _experiment_descriptions(self, info, filterParams=None):
        return [{"experimentDescriptionId": n, **row} for n, row in enumerate(self.experiments)]

    def _inversions(self, info, filterParams=None):
        wanted = filterParams or {}
        return [
            record
            for record in self.inversions
            if wanted.get("inversionId") in (None, record["inversionId"])
            and set(wanted.get("datasetIds") or record["datasetIds"]) & set(record["datasetIds"])
        ]

    def _create_inversion(self, info, createParams):
        if any(i["inversionId"] == createParams["inversionId"] for i in self.inversions):
            raise GraphQLError(
                'duplicate key value violates unique constraint "l2_inversion_inventory_pkey"'
            )
        self.inversions.append(createParams)
        return {**createParams, "createDate": "2023-01-01T00:00:00"}


def _registers(request):
    return "createL2InversionInventory" in request["query"]


_FILLED_IN = {"bucket": "public", "status": "AVAILABLE"}
"""What rows of earlier stores lack and the schema wants."""

_FILTERS = {
    "datasetIds": "datasetId",
    "productIds": "productId",
    "instrumentNames": "instrumentName",
    "primaryProposalIds": "primaryProposalId",
    "primaryExperimentIds": "primaryExperimentId",
}
"""Filters that are lists, and the keys that they are about."""


@contextmanager
def serving(store):
    """The store at `store.url`, on a port of loopback that the system chooses."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = store.reply(self.headers.get("Authorization"), body)
            if reply is None:
                self.close_connection = True
                return
            status, text, *more = reply
            content = text if isinstance(text, bytes) else text.encode()
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in (headers | dict(*more)).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have been killed
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    with served_on_loopback(Handler) as address:
        store.url = f"{address}/graphql"
        yield store
