"""A campaign as the dashboard knows it: its ledger, its words, and how a failed unit is retried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.ledger.failures import Chosen, Retried, retry_chosen
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.status.pace import WholeUnit

Retry = Callable[[Chosen, str], Retried]
"""Lets units that failed be tried again; takes which, and the name of the person."""


@dataclass(frozen=True)
class Figure:
    """A figure of a result, as the campaign's `outcome` of a unit has it."""

    name: str
    title: str
    unit: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class ServedCampaign:
    """A campaign whose ledger is shown."""

    title: str
    unit_name: str  # what a unit is called
    step_name: str  # what a step of a unit is called
    location: str | Path  # of the ledger, as for `Ledger.open`
    outboxes: Path  # directory of the outboxes of its jobs
    lease: float  # seconds without a sign of life after which a job elsewhere is dead
    retry: Retry
    findings: str = "Newest results"  # title of the list of results
    figures: Sequence[Figure] = ()  # the columns of that list
    # the figure that counts what was found: a unit in which it is 0 is not among the findings
    found: str = ""
    whole: WholeUnit | None = None  # a whole unit, where all are alike


def retry_in(location: str | Path) -> Retry:
    """Retry in a ledger that is opened for it, as `cvzmpi retry` does."""

    def retry(chosen: Chosen, by: str) -> Retried:
        with Ledger.open(location, create=False) as ledger:
            return retry_chosen(ledger, chosen, by)

    return retry
