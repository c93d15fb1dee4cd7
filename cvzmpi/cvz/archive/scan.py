"""Scan: find the light curves of all targets, judge the stars, and put both into the ledger.

Every light curve is a unit, `discovered` and then `qualified` or `not_qualified` with its star. A
star without any light curve is a unit as well, named by its TIC number alone: that there is nothing
is a fact. Scanning again adds what is new, and judges a star again whose light curves are more now.
They never become fewer: what the archive was seen to have counts, whether it is listed now or not.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.qualification import Criteria, Verdict, qualify
from cvzmpi.cvz.archive.target_list import Target, TargetList
from cvzmpi.cvz.configuration import ArchiveConfig
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Event, Job, Ledger, LedgerUnit, NewUnit, State

_VERDICTS = {True: State.QUALIFIED, False: State.NOT_QUALIFIED}
# A star is judged again as long as its light curve has not been fetched.
_OPEN = (State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED)
# The light curve was fetched.
_GIVEN = (State.PREPROCESSED, State.DONE, State.PUBLISHED)
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
            yield NewUnit(product.id.name, facts=facts)
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
    unseen : str, optional
        Why new sectors could not be looked for; None where they could.
    """

    n_targets: int
    n_qualified_targets: int
    n_without_data: int
    n_light_curves: int
    n_qualified: int
    n_new: int
    n_changed: int
    unseen: str | None = None

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
    ArchiveDownError
        If the archive does not say what it has.
    ArchiveError
        If it has no listing.
    ConfigError
        If magnitudes matter, and the list has none.
    """
    criteria = Criteria(settings.min_sectors_per_year, settings.min_tmag, settings.max_tmag)
    if criteria.of_magnitude and not targets.has_magnitudes:
        raise ConfigError(
            f"{targets.path}: expected a column Tmag, for archive.min_tmag and archive.max_tmag"
        )
    with _garbage_left_alone():
        units = ledger.units()
        known = _known_products(units)
        products = access.products({target.tic for target in targets.targets}, known)
        stars = judge(targets.targets, [*known, *products], criteria)
        result = record(stars, {unit.name: unit.state for unit in units}, ledger, job)
        return replace(result, unseen=access.unseen)


def judge(targets: Iterable[Target], products: Iterable[Product], criteria: Criteria) -> list[Star]:
    """Bring targets and products together; of two for one light curve, the last one counts."""
    of_star: dict[int, dict[int, Product]] = defaultdict(dict)
    for product in products:
        of_star[product.tic][product.sector] = product
    stars = []
    for target in targets:
        of_sector = of_star.get(target.tic, {})
        verdict = qualify(target, of_sector, criteria)
        found = tuple(of_sector[sector] for sector in sorted(of_sector))
        stars.append(Star(target, found, verdict))
    return stars


def record(stars: list[Star], known: Mapping[str, State], ledger: Ledger, job: Job) -> ScanResult:
    """Put into the ledger what it does not have yet; of what it knows, the states are given.

    In parts, so that jobs that run have their turn in between. Whatever stops it, the next scan
    goes on: a unit and what was judged of it are one part.
    """
    came_from = ledger.states_before(State.NOT_QUALIFIED)
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
            elif came_from.get(unit.name) is State.PREPROCESSED:
                continue  # it was looked into, and does not qualify whatever its star does
            elif _says_otherwise(state, star.verdict):
                n_changed += 1
                judged_anew.append(_event(unit.name, state, star.verdict))
        if star.products and came_from.get(str(star.target.tic)) is State.DISCOVERED:
            judged_anew.append(_has_light_curves_now(star))
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


def _has_light_curves_now(star: Star) -> Event:
    """Put right that a star has none, which its own unit says."""
    sectors = ", ".join(str(product.sector) for product in star.products)
    return Event(
        str(star.target.tic),
        State.NOT_QUALIFIED,
        State.NOT_QUALIFIED,
        message=f"it has light curves now, which are units of their own: sectors {sectors}",
        detail=star.verdict.values,
    )


def _known_products(units: Iterable[LedgerUnit]) -> list[Product]:
    """The light curves that the archive was seen to have."""
    facts = [tuple(unit.facts.get(key) for key in ("tic", "sector", "product")) for unit in units]
    return [
        Product(tic, sector, name)
        for tic, sector, name in facts
        if isinstance(tic, int) and isinstance(sector, int) and isinstance(name, str)
    ]


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


def known_good(units: Sequence[LedgerUnit]) -> Product | None:
    """A product that the archive gave once, with which it can be tried out; None if there is none.

    Of the newest units, since old ones may have been replaced by a later version.
    """
    given = (unit for unit in reversed(units) if unit.state in _GIVEN)
    products = (Product.of_facts(unit.facts) for unit in given)
    return next((product for product in products if product is not None), None)
