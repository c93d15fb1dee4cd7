"""One product of each target and sector is searched, also where the choice changes on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.ledger import Event, Ledger, LedgerUnit, State
from cvzmpi.ledger.failures import Failure
from cvzmpi.ledger.states import RETRY_FROM

_WAITS = State.PREPROCESSED


def with_begun(
    sources: Sequence[LightCurveSource],
    present: Collection[LightCurveId],
    products: ChosenProducts,
) -> list[LightCurveSource]:
    """The light curves found, and those begun, which need no FITS file any more.

    What is begun stays, whatever its product. Where it is of the best one, no other of its target
    and sector is begun.

    Parameters
    ----------
    sources : sequence of LightCurveSource
        Those with a FITS file.
    present : collection of LightCurveId
        Those with a sector file.
    """
    with_file = {source.id for source in sources}
    begun = [LightCurveSource(found) for found in present if found not in with_file]
    worse = products.worse([*with_file, *present])
    return [source for source in sources if source.id not in worse or source.id in present] + begun


def close_others(
    sources: Iterable[LightCurveSource],
    products: ChosenProducts,
    known: Iterable[LedgerUnit],
    failed: Iterable[Failure] = (),
    claimed: Collection[str] = (),
) -> Iterator[Event]:
    """The events that close the units that wait for work that is not wanted any more.

    So it is where `input.products` has changed, or a better product of a target and sector is here
    now. Where the choice changes back, they are `closed_for_another` product, and open again.

    Parameters
    ----------
    known : iterable of LedgerUnit
    failed : iterable of Failure
        Those that failed in their work are closed like those that wait.
    claimed : collection of str
        The units that a job has, which are finished.
    """
    searched = {source.id for source in sources}
    in_work = [failure for failure in failed if RETRY_FROM[failure.from_state] is _WAITS]
    again = {failure.unit.name: failure for failure in in_work}
    units = [unit for unit in known if unit.state is _WAITS]
    waiting = [
        (unit.name, light_curve)
        for unit in [*units, *(failure.unit for failure in in_work)]
        if not unit.progress and unit.name not in claimed
        for light_curve in [LightCurveId.parse(unit.name)]
        if light_curve is not None and light_curve not in searched
    ]
    better = products.worse([*searched, *(light_curve for _, light_curve in waiting)])
    for name, light_curve in waiting:
        best = better.get(light_curve)
        if products.place(light_curve.product) is None:
            message = f"{light_curve.product} is not among the products (input.products)"
        elif best in searched:
            message = f"{best.product} is searched instead (input.products)"
        else:
            continue  # its file is gone, or it is of another batch
        if name in again:
            yield again[name].retried(message)
        yield Event(name, State.NOT_QUALIFIED, from_state=_WAITS, message=message)


def closed_for_another(ledger: Ledger) -> set[str]:
    """The units that `close_others` closed: nothing else closes one whose input is here."""
    before = ledger.states_before(State.NOT_QUALIFIED)
    return {name for name, state in before.items() if state is State.PREPROCESSED}
