"""In which order the networks settle most decisions about injected flares soonest.

`python -m tools.bench.light_curve.network_order` prints the two tables that
`cvzmpi.cvz.detection.stella.network_order` has, from injections into the light curves at hand:
the six networks that together settle most of the flares that are found, or not found, then each
time the one that settles most of the rest. The first of all is that whose answer in the middle is
most often the ensemble's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import numpy as np

from cvzmpi.cvz.detection.flare_mask import MaskRule, covered, in_runs
from cvzmpi.cvz.detection.stella.injected_windows import InjectedWindows
from cvzmpi.cvz.injection.batch_decisions import BatchDecisions
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.curves import light_curve_files, observe

_N_FLARES = 160  # of each light curve


def answers(searched: Searched) -> tuple[np.ndarray, np.ndarray]:
    """All networks' answers above the threshold, (networks, n, cadences), and who is found."""
    above, found = [], []
    decide = BatchDecisions.decide

    def everything(self: BatchDecisions) -> np.ndarray:
        windows: InjectedWindows = self._injected  # type: ignore[assignment]
        n, length = self._evaluated.shape
        windows.ask(np.arange(n), slice(0, length), True, windows.n_rounds - 1)
        above.append((windows._answers > self._rule.threshold) & self._evaluated)
        found.append(decide(self))
        return found[-1]

    with patch.object(BatchDecisions, "decide", everything):
        searched.recovered(0, _N_FLARES)
    return np.concatenate(above, axis=1), np.concatenate(found)


def orders(above: np.ndarray, found: np.ndarray, rule: MaskRule, tolerance: int) -> list[list[int]]:
    """The order for flares that are found, and for those that are not."""
    around = rule.around_peak(tolerance, 4)
    majority = len(above) // 2 + 1
    every = slice(around.near.start, around.near.stop, 2)

    def settled_found(networks: Sequence[int]) -> float:
        high = above[list(networks)][:, found, around.middle].sum(axis=0) >= majority
        return float(high.all(axis=1).mean())

    def settled_not_found(networks: Sequence[int]) -> float:
        possible = np.ones((np.count_nonzero(~found), around.length), bool)
        low = ~above[list(networks)][:, ~found, every]
        possible[:, every] = low.sum(axis=0) < majority
        runs = in_runs(possible, rule.min_cadences)
        return float((~covered(runs, around.peak, tolerance, rule.merge_gap)).mean())

    guesses = above[:, :, around.middle].sum(axis=2) >= rule.min_cadences
    first = int(np.argmax((guesses == found).mean(axis=1)))
    return [_order(len(above), majority, first, s) for s in (settled_found, settled_not_found)]


def _order(
    n: int, majority: int, first: int, settled: Callable[[Sequence[int]], float]
) -> list[int]:
    """The best majority with the first one in it, then the best next one, again and again."""
    others = [network for network in range(n) if network != first]
    order = max(([first, *some] for some in combinations(others, majority - 1)), key=settled)
    print(
        f"settled by {majority} networks: {settled(order):.1%}, "
        f"as stored {settled(range(majority)):.1%}"
    )
    while len(order) < n:
        left = [network for network in others if network not in order]
        order = max(([*order, network] for network in left), key=settled)
    return order


def main() -> None:
    """Measure on all light curves at hand."""
    ensemble = Ensemble()
    with tempfile.TemporaryDirectory(prefix="cvzmpi-order-") as directory:
        files, curves = light_curve_files(Path(directory), 20)
        parts = [answers(Searched(ensemble, observe(read_light_curve(file)))) for file in files]
    above = np.concatenate([part[0] for part in parts], axis=1)
    found = np.concatenate([part[1] for part in parts])
    print(f"{len(found):,} injections into {len(files)} {curves}; {found.mean():.1%} are found")
    for name, order in zip(
        ("FOUND", "NOT_FOUND"), orders(above, found, ensemble.rule, ensemble.tolerance), strict=True
    ):
        print(f"{name} = {tuple(order)}")


if __name__ == "__main__":
    main()
