"""Scan: find the light curves of all targets, judge the stars, and put both into the ledger.

Every light curve is a unit, `discovered` and then `qualified` or `not_qualified` with its star. A
star without any light curve is a unit as well, named by its TIC number alone: that there is nothing
is a fact. Scanning again adds what is new, and judges a star again whose light curves are more now.
They never become fewer: a light curve that was listed once counts, whether it is listed now or not.

A star and sector is searched once, as the best product that is found (`best_products`).
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.best_products import FETCHED, OPEN, BestProducts
from cvzmpi.cvz.archive.passed_over import UNITS_PER_TRANSACTION, pass_over
from cvzmpi.cvz.archive.qualification import Criteria, Qualification, qualify
from cvzmpi.cvz.archive_configuration import ArchiveConfig
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.cvz.target_list import Target, TargetList
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Event, Job, Ledger, LedgerUnit, NewUnit, State
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.messages.wording import counted


@dataclass(frozen=True)
class Star:
    """A target and what is searched of it."""

    target: Target
    products: tuple[Product, ...]
    qualification: Qualification

    @property
    def is_without_any(self) -> bool:
        """True if the archive has no light curve of it."""
        return self.qualification.values["products"] == 0

    def units(self) -> Iterator[NewUnit]:
        """A unit for each light curve, or a single one for a star without any."""
        tic = self.target.tic
        for product in self.products:
            facts = {"tic": tic, "sector": product.sector, "product": product.name}
            yield NewUnit(product.id.name, facts=facts)
        if self.is_without_any:
            yield NewUnit(str(tic), facts={"tic": tic})


@dataclass(frozen=True)
class ScanResult:
    """The numbers of a scan: stars, light curves, and changes of the ledger."""

    # `n_targets`, `n_qualified_targets`, `n_without_data`: stars
    n_targets: int
    n_qualified_targets: int
    n_without_data: int
    # `n_light_curves`, `n_qualified`: light curves, each of another star or sector
    n_light_curves: int
    n_qualified: int
    n_new: int  # units that were added
    n_changed: int  # units that were there, and qualify now or do so no more
    # the reason why new sectors could not be looked for; None where they could
    unseen: str | None = None
    of_product: Mapping[str, int] = field(default_factory=dict)  # light curves, by product

    def __str__(self) -> str:
        stars = (
            f"{counted(self.n_targets, 'target')}: "
            f"{counted(self.n_qualified_targets, 'qualifies', 'qualify')}, "
            f"{self.n_without_data:,} without any light curve"
        )
        light_curves = (
            f"{counted(self.n_light_curves, 'light curve')}: "
            f"{self.n_qualified:,} of stars that qualify"
        )
        if self.of_product.keys() - {SPOC_120}:
            each = (f"{n:,} of {product}" for product, n in sorted(self.of_product.items()))
            light_curves += f" ({', '.join(each)})"
        ledger = f"ledger: {counted(self.n_new, 'unit')} added, {self.n_changed:,} judged anew"
        return "\n".join([stars, light_curves, ledger])


def scan(
    targets: TargetList,
    settings: ArchiveConfig,
    access: ArchiveAccess,
    ledger: Ledger,
    job: Job,
    bar: ProgressBar,
    present: Iterable[LightCurveId],
) -> ScanResult:
    """Find the light curves of all targets, judge the stars, and put both into the ledger.

    Parameters
    ----------
    settings : ArchiveConfig
        The criteria.
    job : Job
        Recorded with each event.
    bar : ProgressBar
        Shows what is found and recorded.
    present : iterable of LightCurveId
        The light curves that have a sector file: the ledger need not know them.

    Raises
    ------
    ArchiveDownError
        If the archive does not say what it has.
    ArchiveError
        If it has no listing.
    ConfigError
        If magnitudes matter, and the list has none.
    """
    criteria = Criteria(
        settings.min_sectors_per_year, settings.min_tmag, settings.max_tmag, access.chosen
    )
    if criteria.of_magnitude and not targets.has_magnitudes:
        raise ConfigError(
            f"{targets.path}: expected a column Tmag, for archive.min_tmag and archive.max_tmag"
        )
    with _garbage_left_alone():
        units = ledger.units()
        known = _known_products(units)
        states = {unit.name: unit.state for unit in units}
        begun = ledger.claims.names() | {unit.name for unit in units if unit.progress}
        best = BestProducts(access.chosen, states, begun, present)
        for product in known:
            best.add(product)
        found = access.products({target.tic for target in targets.targets}, known)
        for n_found, product in enumerate(found, start=1):
            best.add(product)
            bar.show("light curve", n_found, more=f" found, the last in sector {product.sector}")
        # first, so that an interrupted scan leaves no star and sector with two units that wait
        n_passed_over = pass_over(best, states, ledger, job)
        stars = judge(targets.targets, best, criteria)
        result = record(stars, states, ledger, job, bar)
        n_changed = result.n_changed + n_passed_over
        return replace(result, unseen=access.unseen, n_changed=n_changed)


def judge(targets: Iterable[Target], best: BestProducts, criteria: Criteria) -> list[Star]:
    """Match targets and products."""
    stars = []
    for target in targets:
        judged = qualify(target, best.of_star(target.tic), criteria)
        stars.append(Star(target, tuple(best.searched(target.tic)), judged))
    return stars


def record(
    stars: list[Star], known: Mapping[str, State], ledger: Ledger, job: Job, bar: ProgressBar
) -> ScanResult:
    """Put new units and changed judgements into the ledger; `known` has the states of its units.

    Running jobs have their turn between two transactions. A unit and its judgement are in the same
    one, so that the next scan goes on after an interruption.
    """
    came_from = ledger.states_before(State.NOT_QUALIFIED)
    n_new = n_changed = 0
    new: list[NewUnit] = []
    judged: list[Event] = []
    judged_anew: list[Event] = []
    for number, star in enumerate(stars, start=1):
        bar.show("star", number, len(stars), " compared with the ledger")
        for unit in star.units():
            state = known.get(unit.name)
            if state is None:
                new.append(unit)
                judged.append(_event(unit.name, State.DISCOVERED, star.qualification))
            elif came_from.get(unit.name) is State.PREPROCESSED:
                continue  # it was looked into, and does not qualify whatever its star does
            elif _says_otherwise(state, star.qualification):
                n_changed += 1
                judged_anew.append(_event(unit.name, state, star.qualification))
        if star.products and came_from.get(str(star.target.tic)) is State.DISCOVERED:
            judged_anew.append(_has_light_curves_now(star))
        if len(new) + len(judged_anew) >= UNITS_PER_TRANSACTION or number == len(stars):
            with ledger.writing() as transaction:
                n_new += ledger.add_units(new, job, judged=judged, within=transaction)
                ledger.record(judged_anew, job, skip_stale=True, within=transaction)
            new, judged, judged_anew = [], [], []
    qualified = [star for star in stars if star.qualification.qualified]
    return ScanResult(
        n_targets=len(stars),
        n_qualified_targets=len(qualified),
        n_without_data=sum(star.is_without_any for star in stars),
        n_light_curves=sum(len(star.products) for star in stars),
        n_qualified=sum(len(star.products) for star in qualified),
        n_new=n_new,
        n_changed=n_changed,
        of_product=Counter(product.product for star in stars for product in star.products),
    )


def _event(name: str, state: State, qualification: Qualification) -> Event:
    message, values = qualification.message, qualification.values
    return Event(name, _state(qualification), state, message=message, detail=values)


def _state(qualification: Qualification) -> State:
    return State.QUALIFIED if qualification.qualified else State.NOT_QUALIFIED


def _says_otherwise(state: State, qualification: Qualification) -> bool:
    """True if the state of a light curve, as long as it is open, is not that of its star."""
    return state in OPEN and state is not _state(qualification)


def _has_light_curves_now(star: Star) -> Event:
    """The correction of the unit of a star which said that it has no light curve."""
    sectors = ", ".join(str(product.sector) for product in star.products)
    return Event(
        str(star.target.tic),
        State.NOT_QUALIFIED,
        State.NOT_QUALIFIED,
        message=f"it has light curves now, which are units of their own: sectors {sectors}",
        detail=star.qualification.values,
    )


def _known_products(units: Iterable[LedgerUnit]) -> list[Product]:
    """The light curves that the archive has had."""
    found = []
    for unit in units:
        name, light_curve = unit.facts.get("product"), LightCurveId.parse(unit.name)
        if isinstance(name, str) and light_curve is not None:
            found.append(Product(light_curve.tic, light_curve.sector, name, light_curve.product))
    return found


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Switch off the search for reference cycles: there are none among a million objects.

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
    """A product that the archive gave once and can be tried out with; None if there is none.

    It is one of the newest units, since a later version may have replaced older products.
    """
    given = (unit for unit in reversed(units) if unit.state in FETCHED)
    products = (Product.of_facts(unit.facts) for unit in given)
    return next((product for product in products if product is not None), None)
