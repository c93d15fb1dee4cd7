"""The injections beside those of an earlier version: processor time, and every single decision.

The earlier version decided in the same way with more networks and cadences: a majority of the
networks in a fixed order at all cadences of the core, then at those before it and after it. It
comes from the history of this repository. Both take turns, light curve by light curve, on one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.measuring.timing import Samples, duration
from tools.bench.report.table import Row
from tools.harness.job_process import ROOT
from tools.harness.tar_archive import extract_all

EARLIER = "50b26f118f403b8caa4022df1f53ee732da37d60"
"""The last commit that asked the networks in a fixed order, at all cadences of a stretch."""

_N_REPEAT = 10  # of the default configuration


@dataclass
class BesideEarlier:
    """Processor seconds of an injection by light curve, and the decisions that differ."""

    ours: list[float] = field(default_factory=list)
    earlier: list[float] = field(default_factory=list)
    n_decisions: int = 0
    n_differing: int = 0

    def rows(self) -> list[Row]:
        """The lines of the table."""
        before, now = Samples.of(self.earlier), Samples.of(self.ours)
        ratio = sum(self.ours) / sum(self.earlier)
        return [
            Row(
                "one injection, processor time, by light curve",
                f"version before {before.text()}",
                now.text(),
                f"{ratio:.2f} of it",
                target="<= 0.5 of it",
                met=ratio <= 0.5,
            ),
            Row(
                "recovery decisions that differ from those of the version before",
                f"{self.n_decisions:,} decisions",
                f"{self.n_differing}",
                target="0",
                met=self.n_differing == 0,
            ),
        ]

    def answer(self) -> str:
        """How far the decisions are the same."""
        seconds = [duration(sum(values) / len(values)) for values in (self.ours, self.earlier)]
        return (
            f"- Of {self.n_decisions:,} recovery decisions {self.n_differing} differ from those of "
            f"the version before (commit {EARLIER[:8]}), which took {seconds[1]} of processor time "
            f"for an injection where this one takes {seconds[0]}."
        )


def measure(files: Sequence[Path], n_decisions: int, scratch: Path) -> BesideEarlier | None:
    """Compare at least so many decisions, spread evenly over the light curves.

    Returns
    -------
    BesideEarlier or None
        None where the history of the repository is not there.
    """
    root = scratch / "earlier"
    if not _extract(root):
        return None
    result = BesideEarlier()
    n_flares = -(-n_decisions // (len(files) * _N_REPEAT))
    for file in files:
        earlier, ours = (_search(where, file, n_flares) for where in (root, ROOT))
        n = len(ours["decisions"])
        result.earlier.append(earlier["seconds"] / n)
        result.ours.append(ours["seconds"] / n)
        result.n_decisions += n
        pairs = zip(earlier["decisions"], ours["decisions"], strict=True)
        result.n_differing += sum(one != other for one, other in pairs)
    return result


def _extract(directory: Path) -> bool:
    """Bring the package of the earlier version out of the history; False if there is none."""
    directory.mkdir()
    archive = directory / "package.tar"
    command = ["git", "archive", "--format=tar", f"--output={archive}", EARLIER, "cvzmpi"]
    if subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode != 0:
        return False
    with tarfile.open(archive) as package:
        extract_all(package, directory)
    return True


def _search(root: Path, file: Path, n_flares: int) -> dict[str, Any]:
    """Run the version whose package is in `root`; the tools are always this version's."""
    program = "tools.bench.light_curve.one_version"
    done = subprocess.run(
        [sys.executable, "-m", program, str(file.resolve()), str(n_flares)],
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}"},
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
