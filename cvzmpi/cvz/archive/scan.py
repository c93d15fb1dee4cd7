"""Scan: find the light curves of all targets, judge the stars, and put both into the ledger.

Every light curve is a unit, `discovered` and then `qualified` or `not_qualified` with its star. A
star without any light curve is a unit as well, named by its TIC number alone: that there is nothing
is a fact. Scanning again adds what is new, and judges a star again whose light curves are more now.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.product import Product
from cvzmpi.cvz.archive.qualification import Criteria, Verdict, qualify
from cvzmpi.cvz.archive.target_list import Target, TargetList
from cvzmpi.cvz.configuration import ArchiveConfig
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Event, Job, Ledger, NewUnit, State

_VERDICTS = {True: State.QUALIFIED, False: State.NOT_QUALIFIED}
# A star is judged again as long as its light curve has not been fetched.
_OPEN = (State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED)
_UNITS_PER_TRANSACTION = 20_000


@dataclass(frozen=True)
class Star:
    """A target and what the archive has of it."""

    target: Target
    products: tuple[Product, ...]
    verdict: Verdict

    def units(self) -> Iterator[NewUnit]:
        """One for each light curve, or one that says that there is none."""
        tic = self.target.tic
        for product in self.products:
            facts = {"tic": tic, "sector": product.sector, "product": product.name}
            yield NewUnit(product.unit, facts=facts)
        if not self.products:
            yield NewUnit(str(tic), facts={"tic": tic})


@dataclass(frozen=True)
class ScanResult:
    """What a scan found, and what of it is new to the ledger.

    Attributes
    ----------
    n_targets, n_qualified_targets, n_without_data : int
        Stars.
    n_light_curves, n_qualified : int
        Light curves.
    n_new : int
        Units that were added.
    n_changed : int
        Units that were there, and qualify now or do so no more.
    """

    n_targets: int
    n_qualified_targets: int
    n_without_data: int
    n_light_curves: int
    n_qualified: int
    n_new: int
    n_changed: int

    def __str__(self) -> str:
        stars = (
            f"{self.n_targets:,} targets: {self.n_qualified_targets:,} qualify, "
            f"{self.n_without_data:,} without any light curve"
        )
        light_curves = (
            f"{self.n_light_curves:,} light curves: {self.n_qualified:,} of stars that qualify"
        )
        ledger = f"ledger: {self.n_new:,} units added, {self.n_changed:,} judged anew"
        return "\n".join([stars, light_curves, ledger])


def scan(
    targets: TargetList, settings: ArchiveConfig, access: ArchiveAccess, ledger: Ledger, job: Job
) -> ScanResult:
    """Find the light curves of all targets, judge the stars, and put both into the ledger.

    Parameters
    ----------
    targets : TargetList
    settings : ArchiveConfig
        The criteria.
    access : ArchiveAccess
    ledger : Ledger
    job : Job
        Who records it.

    Raises
    ------
    ArchiveError
        If the archive does not say what it has.
    ConfigError
        If magnitudes matter, and the list has none.
    """
    criteria = Criteria(settings.min_sectors_per_year, settings.min_tmag, settings.max_tmag)
    if criteria.of_magnitude and not targets.has_magnitudes:
        raise ConfigError(
            f"{targets.path}: expected a column Tmag, for archive.min_tmag and archive.max_tmag"
        )
    with _garbage_left_alone():
        products = access.products({target.tic for target in targets.targets})
        return record(judge(targets.targets, products, criteria), ledger, job)


def judge(targets: Iterable[Target], products: Iterable[Product], criteria: Criteria) -> list[Star]:
    """Bring targets and products together."""
    of_star: dict[int, list[Product]] = defaultdict(list)
    for product in products:
        of_star[product.tic].append(product)
    stars = []
    for target in targets:
        found = tuple(of_star.get(target.tic, ()))
        verdict = qualify(target, (product.sector for product in found), criteria)
        stars.append(Star(target, found, verdict))
    return stars


def record(stars: list[Star], ledger: Ledger, job: Job) -> ScanResult:
    """Put into the ledger what it does not have yet.

    In parts, so that jobs that run have their turn in between. Whatever stops it, the next scan
    goes on: a unit and what was judged of it are one part.
    """
    known = {unit.name: unit.state for unit in ledger.units()}
    rejected_itself = _rejected_themselves(ledger)
    n_new = n_changed = 0
    new: list[NewUnit] = []
    judged: list[Event] = []
    judged_anew: list[Event] = []
    for number, star in enumerate(stars, start=1):
        for unit in star.units():
            state = known.get(unit.name)
            if state is None:
                new.append(unit)
                judged.append(_event(unit.name, State.DISCOVERED, star.verdict))
            elif unit.name not in rejected_itself and _says_otherwise(state, star.verdict):
                n_changed += 1
                judged_anew.append(_event(unit.name, state, star.verdict))
        if len(new) + len(judged_anew) >= _UNITS_PER_TRANSACTION or number == len(stars):
            with ledger.writing() as transaction:
                n_new += ledger.add_units(new, job, judged=judged, within=transaction)
                ledger.record(judged_anew, job, skip_stale=True, within=transaction)
            new, judged, judged_anew = [], [], []
    qualified = [star for star in stars if star.verdict.qualified]
    return ScanResult(
        n_targets=len(stars),
        n_qualified_targets=len(qualified),
        n_without_data=sum(not star.products for star in stars),
        n_light_curves=sum(len(star.products) for star in stars),
        n_qualified=sum(len(star.products) for star in qualified),
        n_new=n_new,
        n_changed=n_changed,
    )


def _event(name: str, state: State, verdict: Verdict) -> Event:
    to_state = _VERDICTS[verdict.qualified]
    return Event(name, to_state, state, message=verdict.message, detail=verdict.values)


def _says_otherwise(state: State, verdict: Verdict) -> bool:
    """Whether a star is judged in another way than the state of one of its light curves says."""
    return state in _OPEN and state is not _VERDICTS[verdict.qualified]


def _rejected_themselves(ledger: Ledger) -> set[str]:
    """Light curves that do not qualify whatever their star does: they were looked into."""
    came_from = ledger.states_before(State.NOT_QUALIFIED)
    return {name for name, before in came_from.items() if before is State.PREPROCESSED}


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """No search for reference cycles: here are none, but a million objects to search.

    It takes a fifth of the time that the scan of a whole campaign needs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def product_of_facts(facts: Mapping[str, Any]) -> Product | None:
    """The product of a unit that a scan found; None for a unit that has none."""
    name = facts.get("product")
    return None if name is None else Product.of_name(str(name))
