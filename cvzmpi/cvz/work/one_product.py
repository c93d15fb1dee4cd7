"""One product of each target and sector is searched, also where the choice changes on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.ledger import Event, Ledger, LedgerUnit, State


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
    sources: Iterable[LightCurveSource], products: ChosenProducts, known: Iterable[LedgerUnit]
) -> Iterator[Event]:
    """The events that close the units that wait for work that is not wanted any more.

    So it is where `input.products` has changed, or a better product of a target and sector is here
    now. Where the choice changes back, they are `closed_for_another` product, and open again.
    """
    searched = {source.id for source in sources}
    waiting = [
        (unit, light_curve)
        for unit in known
        if unit.state is State.PREPROCESSED and not unit.progress
        for light_curve in [LightCurveId.parse(unit.name)]
        if light_curve is not None and light_curve not in searched
    ]
    better = products.worse([*searched, *(light_curve for _, light_curve in waiting)])
    for unit, light_curve in waiting:
        best = better.get(light_curve)
        if products.place(light_curve.product) is None:
            message = f"{light_curve.product} is not among the products (input.products)"
        elif best in searched:
            message = f"{best.product} is searched instead (input.products)"
        else:
            continue  # its file is gone, or it is of another batch
        yield Event(unit.name, State.NOT_QUALIFIED, from_state=State.PREPROCESSED, message=message)


def closed_for_another(ledger: Ledger) -> set[str]:
    """The units that `close_others` closed: nothing else closes one whose input is here."""
    before = ledger.states_before(State.NOT_QUALIFIED)
    return {name for name, state in before.items() if state is State.PREPROCESSED}
