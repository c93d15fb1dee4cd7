"""A metadata store on loopback: a real GraphQL schema behind a real HTTP server.

It answers `datasetInventories` and `experimentDescriptions` with their filters, takes the mutation
`createL2InversionInventory`, validates queries as GraphQL does, and fails on demand. Its rows are a
plain list that a test changes as it likes.
"""

import copy
import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from graphql import GraphQLError, build_schema, graphql_sync

SCHEMA = """
scalar DateTime
scalar BigInt

type Health { good: Int bad: Int ill: Int unknown: Int }
type GosStatus { open: Int opening: Int closed: Int closing: Int undefined: Int }
type Distribution { min: Float p25: Float med: Float p75: Float max: Float }

type DatasetInventory {
  datasetId: String
  observingProgramExecutionId: String
  instrumentProgramExecutionId: String
  primaryProposalId: String
  primaryExperimentId: String
  instrumentName: String
  createDate: DateTime
  updateDate: DateTime
  startTime: DateTime
  endTime: DateTime
  isEmbargoed: Boolean
  embargoEndDate: DateTime
  exposureTime: Float
  frameCount: BigInt
  boundingBox: String
  stokesParameters: String
  wavelengthMin: Float
  wavelengthMax: Float
  spectralLines: [String!]
  health: Health
  gosStatus: GosStatus
  aoLocked: Int
  lightLevel: Distribution
  friedParameter: Distribution
  polarimetricAccuracy: Distribution
  browseMovieUrl: String
  bucket: String
  headerVersion: String
}

type ExperimentDescription { experimentId: String experimentDescription: String }

type L2InversionInventory {
  inversionId: String!
  primaryProposalId: String!
  instrumentProgramExecutionId: String!
  bucket: String!
  asdfObjectKey: String!
  datasetIds: [String!]!
  spectralLines: [String!]!
}

input DatasetInventoriesRequest { datasetIds: [String!] primaryProposalIds: [String!] }

input CreateL2InversionInventoryRequest {
  inversionId: String!
  primaryProposalId: String!
  instrumentProgramExecutionId: String!
  bucket: String!
  asdfObjectKey: String!
  datasetIds: [String!]!
  spectralLines: [String!]!
}

type Query {
  datasetInventories(filterParams: DatasetInventoriesRequest): [DatasetInventory]
  experimentDescriptions: [ExperimentDescription]
}

type Mutation {
  createL2InversionInventory(createParams: CreateL2InversionInventoryRequest!): L2InversionInventory
}
"""

TOKEN = "Bearer of the tests"


class StandInStore:
    """What the store holds, and how it behaves.

    `datasets` and `experiments` are its rows, `inversions` the records that were registered, in
    order. `requests` are the queries that arrived. `failures` are (HTTP status, body) pairs, each
    given in place of one answer, or None for an answer; with `answers_lost` = n the next n requests
    are carried out and their answers lost; after `hold` all are carried out, and answered only
    after `let_go`.
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
        self._schema = build_schema(SCHEMA)

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
        reply = self._carry_out(authorization, body)
        self._free.wait()
        return reply

    def _carry_out(self, authorization, body):
        with self._lock:
            query = json.loads(body)["query"]
            self.requests.append(query)
            if self.failures and (failure := self.failures.pop(0)) is not None:
                return failure
            if authorization != TOKEN:
                return 401, json.dumps({"errors": [{"message": "not authorized"}]})
            result = graphql_sync(self._schema, query, root_value=self._roots())
            if self.answers_lost > 0:
                self.answers_lost -= 1
                return None
            return 200, json.dumps(result.formatted)

    def _roots(self):
        return {
            "datasetInventories": self._dataset_inventories,
            "experimentDescriptions": lambda info: self.experiments,
            "createL2InversionInventory": self._create_inversion,
        }

    def _dataset_inventories(self, info, filterParams=None):
        wanted = filterParams or {}
        ids, proposals = wanted.get("datasetIds"), wanted.get("primaryProposalIds")
        return [
            row
            for row in self.datasets
            if (not ids or row.get("datasetId") in ids)
            and (not proposals or row.get("primaryProposalId") in proposals)
        ]

    def _create_inversion(self, info, createParams):
        if any(i["inversionId"] == createParams["inversionId"] for i in self.inversions):
            raise GraphQLError(f"inversionId {createParams['inversionId']} already exists")
        self.inversions.append(createParams)
        return createParams


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
            status, text = reply
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have been killed
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.url = f"http://127.0.0.1:{server.server_port}/graphql"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
