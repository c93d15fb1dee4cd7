"""Measure how often the interval of the time left holds the truth, on campaigns of fresh seeds.

.venv/bin/python -m tests.estimates.coverage [NAME ...]
"""

import random
import sys
from dataclasses import dataclass
from typing import Any

from cvzmpi.estimates.remaining import remaining_seconds
from tests.estimates import kinds
from tests.estimates.simulated_campaign import Kills, SimulatedCampaign

SIZES = [(20, 1), (60, 3), (200, 40), (30, 40), (400, 16)]
"""Numbers of units and of teams."""
_N_CAMPAIGNS, _N_INSTANTS = 50, 4  # of each size; in each campaign


@dataclass(frozen=True)
class Case:
    """A kind of campaign, on teams of these speeds, whose jobs are killed or not."""

    kind: Any
    speeds: tuple = (1.0,)
    kills: Kills = Kills()


OFTEN = Kills(every=35.0, lost=1.0, away=3.0)
"""A unit takes 10 s: jobs of three and a half units."""
SELDOM = Kills(every=125.0, lost=1.0, away=3.0)

CASES = {
    kind.__name__: Case(kind)
    for kind in (
        *(kinds.constant, kinds.log_normal, kinds.heavy_tailed, kinds.longest_first),
        *(kinds.cost_tells_nothing, kinds.cost_tells_a_half, kinds.slower_and_slower),
        *(kinds.faster_and_faster, kinds.few_long_ones, kinds.two_costs, kinds.two_batches),
    )
} | {
    "half of the teams slow": Case(kinds.log_normal, (1.0, 0.5)),
    "half of the teams slow, constant": Case(kinds.constant, (1.0, 0.5)),
    "killed often, constant": Case(kinds.constant, kills=OFTEN),
    "killed often, log_normal": Case(kinds.log_normal, kills=OFTEN),
    "killed often, longest_first": Case(kinds.longest_first, kills=OFTEN),
    "killed seldom, log_normal": Case(kinds.log_normal, kills=SELDOM),
}


def asked(name, with_steps, n_campaigns=_N_CAMPAIGNS):
    """Estimates at instants drawn evenly from many campaigns: each with the true time left."""
    case = CASES[name]
    for n_units, n_teams in SIZES:
        for seed in range(n_campaigns):
            rng = random.Random(f"coverage of {name}, {n_units} units, campaign {seed}")
            units = case.kind(n_units, rng)
            speeds = rng.sample(case.speeds, len(case.speeds))
            campaign = SimulatedCampaign(units, n_teams, speeds, case.kills)
            for _ in range(_N_INSTANTS):
                instant = rng.random() * campaign.end
                seen = campaign.seen_at(instant, with_steps)
                if seen[1]:  # a job is at work
                    truth = campaign.end_of_known(instant) - instant
                    yield remaining_seconds(*seen), truth, n_units, instant


def main(names):
    for name in names or CASES:
        for with_steps in (False, True):
            told = list(asked(name, with_steps))
            known = [(left, truth) for left, truth, *_ in told if left is not None]
            held = [left.low <= truth <= left.high for left, truth in known]
            below = sum(truth < left.low for left, truth in known) / len(known)
            by_size = []
            for n_units, _ in SIZES:
                of = [l.low <= t <= l.high for l, t, n, _ in told if n == n_units and l is not None]
                by_size.append(f"{sum(of) / max(len(of), 1):.0%}")
            ratio = sorted(left.high / max(left.low, 0.1) for left, _ in known)[len(known) // 2]
            print(
                f"{name:34s} {'steps' if with_steps else 'units'}: held {sum(held) / len(held):.1%}, sooner {below:.1%}, told {len(known)} of {len(told)}; ratio {ratio:.2f}; by size {by_size}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
