"""The GraphQL documents that are sent to the metadata store, all of them.

Values are variables of a document, never a part of its text. Health, GOS status and the
distributions are scalars of the store's schema.
"""

from __future__ import annotations

from cvzmpi.level2.metadata_store.dataset import Dataset, Experiment
from cvzmpi.level2.metadata_store.inversion_record import InversionRecord

DATASET_INVENTORIES = f"""\
query DatasetInventories($filter: DatasetInventoriesRequest) {{
  datasetInventories(filterParams: $filter) {{ {" ".join(Dataset.names())} }}
}}
"""

EXPERIMENT_DESCRIPTIONS = f"""\
query ExperimentDescriptions {{
  experimentDescriptions {{ {" ".join(Experiment.names())} }}
}}
"""

INVERSIONS = f"""\
query Inversions($filter: L2InversionInventoriesRequest) {{
  l2Inversions(filterParams: $filter) {{ {" ".join(InversionRecord.names())} }}
}}
"""

CREATE_INVERSION = """\
mutation CreateInversion($record: L2InversionInventory!) {
  createL2InversionInventory(createParams: $record) { inversionId }
}
"""
