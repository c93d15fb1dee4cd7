"""Measure how often the interval of the time left holds the truth, on campaigns of fresh seeds.

.venv/bin/python -m tests.estimates.coverage [NAME ...]
"""

import random
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from cvzmpi.estimates.remaining import remaining_seconds
from tests.estimates import kinds
from tests.estimates.simulated_campaign import Kills, SimulatedCampaign

SIZES = [(20, 1), (60, 3), (200, 40), (30, 40), (400, 16)]
"""Numbers of units and of teams."""
_N_CAMPAIGNS, _N_INSTANTS = 50, 4  # of each size; in each campaign


NEVER = Kills()
OFTEN = Kills(every=35.0, lost=1.0, away=3.0)
"""A unit takes 10 s: jobs of three and a half units."""
SELDOM = Kills(every=125.0, lost=1.0, away=3.0)


@dataclass(frozen=True)
class Case:
    """A kind of campaign, on teams of these speeds, whose jobs are killed or not."""

    kind: Any
    speeds: tuple = (1.0,)
    kills: Kills = NEVER


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
    """Estimates at instants of many campaigns: each with the true time left, and the units."""
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
                    yield remaining_seconds(*seen), campaign.left_at(instant), n_units


def measured(name, with_steps):
    """A line: how often the interval holds the truth, in all and by the number of units."""
    answers = list(asked(name, with_steps))
    told = [(left, truth, n_units) for left, truth, n_units in answers if left is not None]
    by_size = [_held(t for t in told if t[2] == n_units) for n_units, _ in SIZES]
    ratios = [left.high / max(left.low, 1e-3 * left.high) for left, _, _ in told]
    return (
        f"{name:34s} {'steps' if with_steps else 'units'}  held {_held(told)}"
        f"  sooner {sum(truth < left.low for left, truth, _ in told) / len(told):4.0%}"
        f"  told {len(told) / len(answers):4.0%}  high / low {median(ratios):5.2f}"
        f"  by size {' '.join(by_size)}"
    )


def _held(told):
    held = [left.low <= truth <= left.high for left, truth, _ in told]
    return f"{sum(held) / max(len(held), 1):4.0%}"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CASES:
        for steps_are_known in (False, True):
            print(measured(chosen, steps_are_known), flush=True)
