"""Observing Programs: the datasets of one observation, and when they are complete.

The metadata store knows datasets only. Data that are processed again become a new dataset with the
same product id, which replaces its predecessor. A program counts as complete if its
spectropolarimetric datasets did not change for some days; a new or changed one starts the time
again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cvzmpi.level2.metadata_store.dataset import Dataset


@dataclass(frozen=True)
class ObservingProgram:
    """The datasets that belong to one observation."""

    name: str  # the store's `observingProgramExecutionId`
    # The current datasets, and those that newer ones with their product ids replace; both in the
    # order of their ids, one version of each.
    datasets: tuple[Dataset, ...]
    superseded: tuple[Dataset, ...] = ()

    @property
    def all_datasets(self) -> tuple[Dataset, ...]:
        """The datasets that belong to it or belonged to it before others replaced them."""
        return (*self.datasets, *self.superseded)

    @property
    def spectropolarimetric(self) -> list[Dataset]:
        """The datasets that an inversion works on."""
        return [dataset for dataset in self.datasets if dataset.spectropolarimetric]

    @property
    def proposal(self) -> str:
        """The proposal that it was observed for; "" if none is known."""
        return next((d.proposal for d in self._first if d.proposal), "")

    @property
    def experiment(self) -> str:
        """The experiment that it is a part of; "" if none is known."""
        return next((d.experiment for d in self._first if d.experiment), "")

    @property
    def instruments(self) -> list[str]:
        """The instruments that observed."""
        return sorted({dataset.instrument for dataset in self.datasets if dataset.instrument})

    @property
    def start(self) -> datetime | None:
        """The beginning of the first exposure of any dataset; None if none is known."""
        return min((d.start for d in self.datasets if d.start is not None), default=None)

    @property
    def quiet_since(self) -> datetime | None:
        """The last change of a spectropolarimetric dataset or, if there is none, of any."""
        changes = (d.changed for d in self.spectropolarimetric or self.datasets)
        return max((time for time in changes if time is not None), default=None)

    def complete(self, now: datetime, quiet_days: float) -> bool:
        """True if no more datasets are expected; also if the time of no change can be read."""
        since = self.quiet_since
        return since is None or now - since >= timedelta(days=quiet_days)

    def embargo(self, at: datetime) -> str:
        """The embargo of its spectropolarimetric datasets at a time, as "until 2026-05-01".

        It is "" if there is none. A dataset is under embargo if the store says so, or names an end
        that is to come.
        """
        ends = [
            d.embargo_end
            for d in self.spectropolarimetric
            if d.embargoed or (d.embargo_end or at) > at
        ]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return "without an end"
        if not known:
            return ""
        passed = "" if max(known) > at else ", which has passed; the metadata store keeps it"
        return f"until {max(known):%Y-%m-%d}{passed}"

    @property
    def _first(self) -> list[Dataset]:
        """The datasets, the spectropolarimetric ones first."""
        return sorted(self.datasets, key=lambda dataset: not dataset.spectropolarimetric)


def group(datasets: Iterable[Dataset]) -> dict[str, ObservingProgram]:
    """Group datasets into Observing Programs, by name."""
    members: dict[str, list[Dataset]] = defaultdict(list)
    for dataset in datasets:
        members[dataset.observing_program].append(dataset)
    return {name: _program(name, members[name]) for name in sorted(members)}


def _program(name: str, datasets: list[Dataset]) -> ObservingProgram:
    """A program of datasets, of which some may replace others."""
    dated = [d for d in datasets if d.product_id is not None and d.created is not None]
    newest = {d.product_id: d for d in sorted(dated, key=_age)}
    current: list[Dataset] = []
    superseded: list[Dataset] = []
    for d in sorted(datasets, key=lambda d: d.dataset_id):
        # One whose time of creation is not known replaces none, and none replaces it.
        replaced = d.created is not None and newest.get(d.product_id, d) != d
        (superseded if replaced else current).append(d)
    return ObservingProgram(name, tuple(current), tuple(superseded))


def _age(dataset: Dataset) -> tuple[Any, ...]:
    """The order of the datasets of a product, whose times of creation are known."""
    return dataset.created, dataset.changed, dataset.dataset_id
