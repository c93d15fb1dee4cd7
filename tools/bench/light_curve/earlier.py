"""Light curves beside an earlier version: processor time, and every single decision.

The earlier version decided in the same way with more networks and cadences: a majority of the
networks in a fixed order at all cadences of the core, then at those before it and after it. It
comes from the history of this repository. Both take turns, light curve by light curve, on one core.
A whole light curve with both searches is set against the earlier version's with stella alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvzmpi.cvz.configuration import InjectConfig
from tools.bench.measuring.timing import Samples
from tools.bench.report.table import Row
from tools.harness.job_process import ROOT
from tools.harness.tar_archive import extract_all

EARLIER = "50b26f118f403b8caa4022df1f53ee732da37d60"
"""The last commit that asked the networks in a fixed order, at all cadences of a stretch."""

_DEFAULT = InjectConfig()


@dataclass(frozen=True)
class Turn:
    """One light curve by both versions: processor seconds, and the decisions that differ."""

    ours: float  # of an injection
    earlier: float
    whole: float  # of the light curve with both searches
    earlier_by_stella: float  # of the light curve with stella alone
    n_decisions: int
    n_differing: int


@dataclass
class BesideEarlier:
    """All light curves."""

    turns: list[Turn] = field(default_factory=list)

    @property
    def n_decisions(self) -> int:
        """How many were compared."""
        return sum(turn.n_decisions for turn in self.turns)

    @property
    def n_differing(self) -> int:
        """How many of them differ."""
        return sum(turn.n_differing for turn in self.turns)

    def rows(self) -> list[Row]:
        """The lines of the table."""
        turns = self.turns
        return [
            _compared(
                "one injection, processor time, by light curve",
                "version before",
                [turn.earlier for turn in turns],
                [turn.ours for turn in turns],
                at_most=0.5,
            ),
            _compared(
                "a whole light curve with both searches, processor time",
                "version before, stella alone",
                [turn.earlier_by_stella for turn in turns],
                [turn.whole for turn in turns],
                at_most=0.7,
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
        return (
            f"- Of {self.n_decisions:,} recovery decisions {self.n_differing} differ from those of "
            f"the version before (commit {EARLIER[:8]})."
        )


def _compared(what: str, name: str, earlier: list[float], ours: list[float], at_most: float) -> Row:
    """A line whose ratio is the median over the light curves, of which each is a turn."""
    ratios = Samples.of(now / before for now, before in zip(ours, earlier, strict=True))
    return Row(
        what,
        f"{name} {Samples.of(earlier).text()}",
        Samples.of(ours).text(),
        f"{ratios.text('of it')}",
        target=f"<= {at_most} of it",
        met=ratios.median <= at_most,
    )


def measure(files: Sequence[Path], n_decisions: int, scratch: Path) -> BesideEarlier | None:
    """Compare at least so many decisions, spread evenly over the light curves.

    Of a whole light curve with both searches everything is measured, with all of its injections; of
    the earlier version all but the injections, and they as many times as there are.

    Returns
    -------
    BesideEarlier or None
        None where the history of the repository is not there.
    """
    root = scratch / "earlier"
    if not _extract(root):
        return None
    n_flares = min(-(-n_decisions // (len(files) * _DEFAULT.n_repeat)), _DEFAULT.n_inject)
    return BesideEarlier([_turn(root, file, n_flares, number) for number, file in enumerate(files)])


def _turn(root: Path, file: Path, n_flares: int, number: int) -> Turn:
    """One light curve; who is first, changes from one to the next."""
    tasks = [
        (root, "stella", n_flares),
        (ROOT, "stella", n_flares),
        (ROOT, "both", _DEFAULT.n_inject),
    ]
    order = tasks if number % 2 == 0 else tasks[::-1]
    done = {task: _search(*task, file) for task in order}
    return turn(*(done[task] for task in tasks), n_flares)


def turn(
    earlier: Mapping[str, Any], ours: Mapping[str, Any], both: Mapping[str, Any], n_flares: int
) -> Turn:
    """What the runs of one light curve come to, whose decisions are of so many flares.

    Parameters
    ----------
    earlier, ours, both : mapping
        As `one_version` says them: `stella` by the earlier version and by this, `both` by this.
    """
    n = len(ours["decisions"])
    pairs = zip(earlier["decisions"], ours["decisions"], strict=True)
    return Turn(
        ours=ours["injections"] / n,
        earlier=earlier["injections"] / n,
        # measured in one run: the small difference of two runs, times many, would be noise
        whole=both["whole"],
        earlier_by_stella=earlier["fixed"] + earlier["injections"] * _DEFAULT.n_inject / n_flares,
        n_decisions=n,
        n_differing=sum(one != other for one, other in pairs),
    )


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


def _search(root: Path, searches: str, n_flares: int, file: Path) -> dict[str, Any]:
    """Run the version whose package is in `root`; the tools are always this version's."""
    program = "tools.bench.light_curve.one_version"
    done = subprocess.run(
        [sys.executable, "-m", program, str(file.resolve()), str(n_flares), searches],
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}"},
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
