"""Programs in groups: those of a proposal, and within it those of an experiment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cvzmpi.level2.views.programs import Item


@dataclass(frozen=True)
class ExperimentPrograms:
    """The programs of an experiment."""

    name: str
    description: str  # the observers' words; "" if there are none
    items: list[Item]


@dataclass(frozen=True)
class ProposalPrograms:
    """The programs of a proposal, by experiment."""

    name: str
    experiments: list[ExperimentPrograms]

    @property
    def items(self) -> list[Item]:
        """All its programs."""
        return [item for experiment in self.experiments for item in experiment.items]

    @property
    def states(self) -> dict[str, int]:
        """The number of programs in each state, the most frequent first."""
        return dict(Counter(item.state for item in self.items).most_common())

    @property
    def observed(self) -> tuple[datetime, datetime] | None:
        """The beginnings of the first and the last observation; None if none is known."""
        starts = [item.start for item in self.items if item.start is not None]
        return (min(starts), max(starts)) if starts else None

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return {
            "proposal": self.name,
            "states": self.states,
            "observed": self.observed and [time.isoformat() for time in self.observed],
            "experiments": [
                {
                    "experiment": experiment.name,
                    "description": experiment.description,
                    "programs": [item.as_json() for item in experiment.items],
                }
                for experiment in self.experiments
            ],
        }


def by_proposal(
    items: Iterable[Item], descriptions: Mapping[str, str] | None = None
) -> list[ProposalPrograms]:
    """Group programs; within a group they stay in their order.

    Parameters
    ----------
    descriptions : dict, optional
        Of the experiments, by name.

    Returns
    -------
    list
        The proposal with the highest number first, as it is the newest.
    """
    known = descriptions or {}
    groups: dict[str, dict[str, list[Item]]] = {}
    for item in items:
        groups.setdefault(item.proposal, {}).setdefault(item.experiment, []).append(item)
    return [
        ProposalPrograms(
            proposal,
            [
                ExperimentPrograms(name, known.get(name, ""), groups[proposal][name])
                for name in sorted(groups[proposal], key=_numbers_in_order)
            ],
        )
        for proposal in sorted(groups, key=_numbers_in_order, reverse=True)
    ]


def _numbers_in_order(name: str) -> list[tuple[int, str]]:
    """A key by which pid_1_9 comes before pid_1_10."""
    parts = re.split("([0-9]+)", name)
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part) for part in parts]
