"""A Level 2 product that was really made: from simulated Level 1 data, prepared and inverted."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.preprocess import preprocess
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.settings import PreprocessSettings
from tests.level2.example_rows import row
from tests.level2.simulated_level1 import simulate_level1
from tools.harness.job_process import environment

INVERSION_ID = "inv.TEST01"
CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)

INVERT = """
import sys
from pathlib import Path
from cvzmpi.scheduler import job
from cvzmpi.mpi.launch import World, pin_to_one_core
from cvzmpi.scheduler.progress import ProgressDisplay
from cvzmpi.level2.inversion.campaigns import MapCampaign
from cvzmpi.level2.settings import InversionSettings
pin_to_one_core()
world = World.start()
prepared, output = map(Path, sys.argv[1:])
campaign = MapCampaign([prepared], output, InversionSettings())
outcome = job.run(campaign, world, ProgressDisplay("map", campaign.step_name))
assert outcome.complete and not outcome.failed
"""


@dataclass(frozen=True)
class Example:
    """What was made on the way, and the product."""

    level1: Path
    prepared: Path
    inverted: Path
    product: Path
    dataset_id: str

    def row(self, **changed):
        """The row of the metadata store for the Level 1 dataset, which passes the criteria.

        What the simulator draws at random (status of the frames, ids) is set to what passes.
        """
        inventory = read_level1(self.level1).inventory
        same = ("startTime", "endTime", "wavelengthMin", "wavelengthMax", "exposureTime")
        return row(self.dataset_id, **{key: inventory[key] for key in same}, **changed)


def make_example(directory):
    """Make everything in a directory."""
    level1 = directory / "level1" / "simulated"
    simulate_level1(level1, n_steps=3, n_slit=8)
    dataset_id = read_level1(level1).inventory["datasetId"]
    level1 = level1.rename(level1.with_name(dataset_id))
    prepared = preprocess(level1, directory / "prepared", PreprocessSettings())
    inverted = directory / "inverted"
    subprocess.run(
        [sys.executable, "-c", INVERT, str(prepared.path), str(inverted)],
        check=True,
        capture_output=True,
        env=environment(),
    )
    (path,) = inverted.glob("*.h5")
    product = directory / "product"
    write_product(level1, PreparedMap.read(prepared.path), path, product, INVERSION_ID, CREATED)
    return Example(level1, prepared.path, path, product, dataset_id)
