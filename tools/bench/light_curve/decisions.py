"""How many recovery decisions differ from those of a search that leaves nothing out.

The product takes two shortcuts with an injected flare: its tail below a floor is not followed, and
the light curve keeps the normalisation that it had without the flare. Here each injected light
curve is evaluated in stella's own way: the whole flare at every cadence, the flux divided by its
new median, every window computed anew, and the whole mask rule. Only a slice around the peak is
looked at, wide enough that what lies outside of it cannot decide about the peak.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from cvzmpi.cvz.detection.stella.network import BEFORE, WINDOW
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.cores import AVAILABLE, on_all_cores
from tools.bench.measuring.curves import observe
from tools.bench.report.table import Row

_HALF = 200  # cadences of the slice on each side of the peak; windows reach 100 of them


def measure(files: Sequence[Path], n_decisions: int) -> dict[str, Counter[str]]:
    """Compare at least `n_decisions` decisions, spread evenly over the light curves, on all cores.

    Returns
    -------
    dict
        By light curve: `n` decisions, `recovered` by the product, `lost` by it and recovered by the
        search that leaves nothing out, `gained` the other way round.
    """
    n_repeat = Ensemble().config.inject.n_repeat
    n_flares = -(-n_decisions // (len(files) * n_repeat))
    tasks = [
        (file, first, min(first + FLARES_PER_TICKET, n_flares))
        for file in files
        for first in range(0, n_flares, FLARES_PER_TICKET)
    ]
    context = multiprocessing.get_context("spawn")
    found: dict[str, Counter[str]] = defaultdict(Counter)
    with on_all_cores(), ProcessPoolExecutor(len(AVAILABLE), context) as pool:
        for name, part in pool.map(compare, *zip(*tasks, strict=True)):
            found[name] += part
    return found


def differing(decisions: Counter[str]) -> int:
    """How many differ."""
    return decisions["lost"] + decisions["gained"]


def row(total: Counter[str]) -> Row:
    """The line of the table."""
    share = differing(total) / total["n"]
    return Row(
        "recovery decisions that differ from those with nothing left out",
        f"whole flare, new median, all windows: {total['n']:,} decisions",
        f"{differing(total)} ({share:.3%})",
        target="<= 0.1 %",
        met=share <= 1e-3,
    )


def answer(total: Counter[str]) -> str:
    """How far the decisions are the same."""
    return (
        f"- Of {total['n']:,} recovery decisions {differing(total)} "
        f"({differing(total) / total['n']:.3%}) differ from those with the whole flare, the new "
        f"median and all windows: {total['lost']} are lost, {total['gained']} gained; "
        f"{total['recovered']:,} of all are recovered."
    )


def compare(file: Path, first: int, last: int) -> tuple[str, Counter[str]]:
    """Both decisions about the flares `first` to `last - 1` of a light curve."""
    searched = _searched(file)
    ours = searched.recovered(first, last)
    theirs = np.array(
        [
            [plain_decision(searched, flare, repeat) for repeat in range(ours.shape[1])]
            for flare in range(first, last)
        ]
    )
    counts = {"recovered": ours, "lost": theirs & ~ours, "gained": ours & ~theirs}
    part = Counter(n=ours.size, **{name: int(rows.sum()) for name, rows in counts.items()})
    return str(searched.observation.light_curve.id), part


def plain_decision(searched: Searched, flare: int, repeat: int) -> bool:
    """True if the search finds one injected flare, with nothing left out."""
    observation, injections, ensemble = searched.observation, searched.injections, searched.ensemble
    shape = mean_flare_shape(
        observation.time - injections.time[flare, repeat],
        injections.fwhm[flare],
        observation.light_curve.exposure,
    )
    injected = observation.flux + injections.amplitude[flare] * shape
    injected /= np.median(injected)
    peak = int(injections.cadence[flare, repeat])
    begin, end = max(peak - _HALF, 0), min(peak + _HALF, len(injected))
    inside = slice(begin + BEFORE, end - (WINDOW - BEFORE) + 1)  # their windows are in the slice
    probability = np.full(len(injected), np.nan, np.float32)
    probability[inside] = ensemble.probability(injected[begin:end])[inside.start - begin :][
        : max(inside.stop - inside.start, 0)
    ]
    probability[~observation.evaluated] = np.nan
    flares = ensemble.rule.flares(probability)
    tolerance = ensemble.tolerance
    return bool(np.any((flares[:, 0] - tolerance <= peak) & (peak <= flares[:, 1] + tolerance)))


_ensemble = lru_cache(maxsize=1)(Ensemble)


@lru_cache(maxsize=1)
def _searched(file: Path) -> Searched:
    return Searched(_ensemble(), observe(read_light_curve(file)))
