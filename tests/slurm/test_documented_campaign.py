"""The campaigns on Slurm that README and pages describe: their commands, on a real Slurm."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from tests.docs.code_blocks import blocks_tested_by
from tests.main_job import simulate

pytestmark = pytest.mark.slurm

BLOCKS = blocks_tested_by("tests/slurm/test_documented_campaign.py")
STARS = (9_000_000_001, 9_000_000_002)


@pytest.fixture(scope="module")
def archive():
    """An archive with two light curves of each star."""
    products = [product_of(tic, sector) for tic in STARS for sector in (1, 2)]
    with StandInArchive(Catalog(products, Simulation(3000).content)) as archive:
        yield archive


@pytest.fixture
def bash(cluster):
    """Run one command in a directory; what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{cluster.environment['PATH']}"

    def bash(command, directory):
        ended = subprocess.run(
            ["bash", "-euc", command],
            cwd=directory,
            env=cluster.environment | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    return bash


def quick(campaign, archive):
    """Fewer flares, and the stand-in archive where the settings have the real one."""
    file = campaign / "cvzmpi.toml"
    text = file.read_text()
    for name, value in {
        "n_inject": 50,
        "n_repeat": 2,
        "min_sectors_per_year": 2,
        "address": f'"{archive.address}"',
        "listings": f'"{archive.listings}"',
    }.items():
        text, n_found = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert n_found == 1, name
    file.write_text(text)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_the_commands_lead_to_a_finished_campaign(cluster, bash, archive, tmp_path, block):
    (tmp_path / "stars.csv").write_text("TICID\n" + "".join(f"{tic}\n" for tic in STARS))
    directory, job = tmp_path, None
    if not any(command.startswith("cvzmpi init") for command in block.commands):
        bash("cvzmpi init campaign", tmp_path)
        directory = tmp_path / "campaign"
        simulate(directory / "input", 2)
        quick(directory, archive)
    for command in block.commands:
        if command.startswith("cd "):
            directory /= command.removeprefix("cd ")
            quick(directory, archive)
            if 'targets = "' not in (directory / "cvzmpi.toml").read_text():
                simulate(directory / "input", 2)
            continue
        printed = bash(command, directory)
        if command.startswith("sbatch"):
            job = printed.split()[-1]
            log = directory / f"cvzmpi_{job}.log"
            facts = cluster.wait_for_end(job, log)
            assert (facts["JobState"], facts["ExitCode"]) == ("COMPLETED", "0:0"), log.read_text()
    if job is not None:
        files = list((directory / "output").rglob("*_*.h5"))
        assert len(files) >= 2
        assert all(read_progress(file).done for file in files)
