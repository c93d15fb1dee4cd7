"""Processor time of light curves with both searches, and before there was a second one.

The version before comes from the history of this repository. Both work on the same light curve, in
turns, on one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from cvzmpi.cvz.detection.stella.published_models import packed_file
from tools.bench.detection.campaigns import checksum_of_search
from tools.harness.job_process import ROOT
from tools.harness.tar_archive import extract_all

BEFORE = "f42fd45160068172010de09f96a132192afe2372"
"""The last commit that searches by stella alone."""

_PROGRAM = Path(__file__).with_name("one_light_curve.py")


@dataclass(frozen=True)
class Cost:
    """Processor seconds of one light curve, each the least of some turns, and bytes of its file."""

    name: str
    n_injections: int
    everything: float
    before: float
    n_bytes: int

    @property
    def ratio(self) -> float:
        """How many times the cost before there was a second search."""
        return self.everything / self.before


def kept_costs(path: Path, files: list[Path], n_inject: int, turns: int) -> list[Cost]:
    """Measure, or read what was measured of the same search."""
    of = [checksum_of_search(), BEFORE, n_inject, turns, *(file.name for file in files)]
    if path.exists() and (kept := json.loads(path.read_text()))["of"] == of:
        return [Cost(**values) for values in kept["costs"]]
    with tempfile.TemporaryDirectory(prefix="cvzmpi-cost-") as directory:
        before = Path(directory, "before")
        _extract(before)
        costs = [_cost(file, n_inject, turns, before, Path(directory)) for file in files]
    path.write_text(json.dumps({"of": of, "costs": [asdict(cost) for cost in costs]}))
    return costs


def _extract(directory: Path) -> None:
    """Bring the package of the version before out of the history."""
    directory.mkdir()
    archive = directory / "package.tar"
    command = ["git", "archive", "--format=tar", f"--output={archive}", BEFORE, "cvzmpi"]
    subprocess.run(command, cwd=ROOT, check=True)
    with tarfile.open(archive) as package:
        extract_all(package, directory)


def _cost(file: Path, n_inject: int, turns: int, before: Path, directory: Path) -> Cost:
    seconds: dict[Path, list[float]] = {before: [], ROOT: []}
    path = Path()
    for turn in range(turns):
        for root, measured in seconds.items():
            output = directory / f"{file.stem}-{len(measured)}-{root.name}-{turn}"
            output.mkdir()
            command = [sys.executable, str(_PROGRAM), str(file), str(n_inject), str(output)]
            # The version before fetched the models where this directory does not have them.
            cache = str(packed_file().parent)
            environment = os.environ | {"PYTHONPATH": str(root), "CVZMPI_CACHE": cache}
            done = subprocess.run(
                command, env=environment, cwd=output, check=True, capture_output=True, text=True
            )
            result = json.loads(done.stdout.splitlines()[-1])
            measured.append(result["seconds"])
            path = Path(result["path"])
    return Cost(
        name=path.stem,
        n_injections=n_inject * 10,
        everything=min(seconds[ROOT]),
        before=min(seconds[before]),
        n_bytes=path.stat().st_size,
    )
