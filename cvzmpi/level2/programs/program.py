"""Observing Programs: the datasets of one observation, and when they are complete.

The metadata store knows datasets only. A program counts as complete if its spectropolarimetric
datasets did not change for some days; a new or changed one starts the time again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cvzmpi.level2.metadata_store.dataset import Dataset


@dataclass(frozen=True)
class ObservingProgram:
    """The datasets that belong to one observation."""

    name: str  # the store's `observingProgramExecutionId`
    datasets: tuple[Dataset, ...]  # in the order of their ids, one version of each

    @property
    def spectropolarimetric(self) -> list[Dataset]:
        """The datasets that an inversion works on."""
        return [dataset for dataset in self.datasets if dataset.spectropolarimetric]

    @property
    def proposal(self) -> str:
        """The proposal that it was observed for."""
        return self._first.proposal

    @property
    def experiment(self) -> str:
        """The experiment that it is a part of."""
        return self._first.experiment

    @property
    def instruments(self) -> list[str]:
        """The instruments that observed."""
        return sorted({dataset.instrument for dataset in self.datasets})

    @property
    def start(self) -> datetime:
        """The beginning of the first exposure of any dataset."""
        return min(dataset.start for dataset in self.datasets)

    @property
    def quiet_since(self) -> datetime:
        """The last change of a spectropolarimetric dataset or, if there is none, of any."""
        return max(d.changed for d in self.spectropolarimetric or self.datasets)

    def complete(self, now: datetime, quiet_days: float) -> bool:
        """True if no more datasets are expected."""
        return now - self.quiet_since >= timedelta(days=quiet_days)

    @property
    def _first(self) -> Dataset:
        return (self.spectropolarimetric or self.datasets)[0]


def group(datasets: Iterable[Dataset]) -> dict[str, ObservingProgram]:
    """Group datasets into Observing Programs, by name."""
    members: dict[str, list[Dataset]] = defaultdict(list)
    for dataset in datasets:
        members[dataset.observing_program].append(dataset)
    return {
        name: ObservingProgram(name, tuple(sorted(ds, key=lambda d: d.dataset_id)))
        for name, ds in sorted(members.items())
    }
