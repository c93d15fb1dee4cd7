"""The interval of the time left holds the truth, in campaigns of which the truth is known."""

import random

import pytest

from cvzmpi.estimates.durations import Work
from cvzmpi.estimates.remaining import Teams, Waiting, mean_seconds, remaining_seconds
from tests.estimates import kinds
from tests.estimates.simulated_campaign import Kills, SimulatedCampaign

SIZES = [(20, 1), (60, 3), (200, 40), (30, 40), (400, 16)]
"""Numbers of units and of teams."""


KINDS = [
    *(kinds.constant, kinds.log_normal, kinds.heavy_tailed, kinds.longest_first),
    *(kinds.cost_tells_nothing, kinds.cost_tells_a_half),
    *(kinds.slower_and_slower, kinds.faster_and_faster),
]


def asked(kind, with_steps, n_campaigns=2, n_instants=12):
    """Estimates at many instants of many campaigns: each with the truth, and when it was asked."""
    for n_units, n_teams in SIZES:
        for seed in range(n_campaigns):
            rng = random.Random(f"{kind.__name__} {n_units} {seed}")
            campaign = SimulatedCampaign(kind(n_units, rng), n_teams)
            for i in range(n_instants):
                when = (i + 0.5) / n_instants
                seen = campaign.seen_at(when * campaign.end, with_steps)
                yield remaining_seconds(*seen), campaign.end * (1 - when), when


@pytest.mark.parametrize("with_steps", [False, True], ids=["units", "steps"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_interval_holds_the_true_time_in_nine_cases_of_ten(kind, with_steps):
    told = [(left, truth) for left, truth, _ in asked(kind, with_steps) if left is not None]
    held = sum(left.low <= truth <= left.high for left, truth in told)
    assert len(told) > 60  # of 120: it is not by silence
    assert held >= 0.9 * len(told)


def test_what_no_unit_tells_beforehand_is_held_less_often():
    told = [
        (left, truth) for left, truth, _ in asked(kinds.few_long_ones, True) if left is not None
    ]
    assert sum(left.low <= truth <= left.high for left, truth in told) >= 0.8 * len(told)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_interval_becomes_narrow(kind):
    rng = random.Random(kind.__name__)
    campaign = SimulatedCampaign(kind(400, rng), 8)
    widths = []
    for when in (0.08, 0.3, 0.7):
        left = remaining_seconds(*campaign.seen_at(when * campaign.end))
        widths.append((left.high - left.low) / campaign.end)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 0.5 * widths[0]


@pytest.mark.parametrize("n_teams", [1, 3, 40])
def test_nothing_is_told_before_anything_can_be_known(n_teams):
    campaign = SimulatedCampaign([(1.0, 100.0)] * 200, n_teams)
    for instant in (0.0, 1.0, 50.0, 99.0):  # no unit has ended
        assert remaining_seconds(*campaign.seen_at(instant)) is None
    assert remaining_seconds([], [], Waiting(), Teams(n_teams)) is None


def test_units_that_began_together_are_no_standstill():
    """40 teams end 40 units nearly together: until the next ones end, nothing is counted."""
    campaign = SimulatedCampaign([(1.0, 600.0 + i % 7) for i in range(400)], 40)
    for instant, error in ((620.0, 0.15), (900.0, 0.15), (1190.0, 0.3), (1900.0, 0.03)):
        left = remaining_seconds(*campaign.seen_at(instant))
        assert left.low < campaign.end - instant < left.high
        # at 1190 s all that is known of the second units is that they are no shorter than the first
        assert left.value == pytest.approx(campaign.end - instant, rel=error)


@pytest.mark.parametrize("instant", [2900.0, 4000.0])
def test_teams_that_began_together_end_together(instant):
    campaign = SimulatedCampaign([(1.0, 600.0 + i % 7) for i in range(400)], 40)
    left = remaining_seconds(*campaign.seen_at(instant))
    assert left.value == pytest.approx(campaign.end - instant, rel=0.03)  # half a unit is 0.1


def test_units_of_other_stars_are_no_longer_sure_once_some_of_them_ended():
    """Half of 200 take 10 s, as 20 of the others do; then each takes 17 s."""
    steady = SimulatedCampaign([(1.0, 10.0 + i % 3 / 10) for i in range(200)], 4)
    other = SimulatedCampaign(
        [(1.0, (10.0 if i < 100 else 17.0) + i % 3 / 10) for i in range(200)], 4
    )
    estimates = [
        remaining_seconds(*campaign.seen_at(campaign.played[120].began + 5.0))
        for campaign in (steady, other)
    ]
    widths = [left.high / left.low for left in estimates]
    assert widths[1] > 1.3 * widths[0]
    truth = other.left_at(other.played[120].began + 5.0)
    assert estimates[1].low < truth < estimates[1].high


def test_where_jobs_are_killed_the_time_left_is_that_in_which_jobs_run():
    rng = random.Random("killed")
    units = kinds.constant(400, rng)
    campaign = SimulatedCampaign(units, 16, kills=Kills(every=35.0, lost=1.0, away=3.0))
    for when in (0.3, 0.5, 0.7):
        left = remaining_seconds(*campaign.seen_at(when * campaign.end))
        assert left.low < campaign.left_at(when * campaign.end) < left.high


def test_steps_tell_before_the_first_unit_ends():
    campaign = SimulatedCampaign([(1.0, 10_000.0)] * 12, 4)
    assert remaining_seconds(*campaign.seen_at(4000.0)) is None
    left = remaining_seconds(*campaign.seen_at(4000.0, with_steps=True))
    assert left.low < campaign.end - 4000 < left.high


def test_in_the_end_the_last_unit_counts_and_not_the_rate():
    """200 units in 100 s, and one that has just begun: it takes its time, whatever the rate."""
    done = [Work(1.0, float(i // 20) * 10, 10.0) for i in range(200)]
    left = remaining_seconds(done, [Work(1.0, 100.0, 0.0)], Waiting(), Teams(20))
    assert left.low < 10 < left.high
    assert left.low > 5


def test_a_half_done_unit_takes_less():
    done = [Work(1.0, 10.0 * i, 10.0 + i % 3) for i in range(20)]
    whole, half = (
        remaining_seconds(done, [Work(1.0, 200.0, 0.0, part=part)], Waiting(), Teams(1))
        for part in (1.0, 0.5)
    )
    assert half.value == pytest.approx(whole.value / 2, rel=0.05)


def test_teams_that_wait_for_input_take_longer():
    done = [Work(1.0, 20.0 * i, 10.0 + i % 2) for i in range(20)]
    all_the_time, half_of_it = (
        remaining_seconds(done, [], Waiting(100, 100, 100), Teams(1, share)) for share in (1.0, 0.5)
    )
    assert half_of_it.value == pytest.approx(2 * all_the_time.value, rel=0.05)


def test_the_mean_of_units_counts_those_at_work():
    """Short units end first, and are not taken for all."""
    done = [Work(1.0, 0.0, 10.0 + i % 3) for i in range(5)]
    at_work = [Work(1.0, 0.0, 60.0)] * 5
    assert mean_seconds(done, [], 10).value == pytest.approx(11, rel=0.1)
    assert mean_seconds(done, at_work, 10).value > 35
