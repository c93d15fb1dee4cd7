"""Qualifying: programs that are complete get an answer, with everything that it rests on."""

from datetime import datetime, timedelta, timezone

import pytest

from cvzmpi.ledger import State
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import OP, calcium, context, real_rows, row

THRESHOLDS = Thresholds()
CHANGED = datetime(2023, 1, 2, 12, tzinfo=timezone.utc)  # of example_rows
NOW = CHANGED + timedelta(days=7)


@pytest.fixture
def know(catalogue, job):
    """Bring rows into the catalogue."""
    return lambda *rows: synchronise(catalogue, job, read_datasets(rows))


@pytest.fixture
def answer(catalogue, job):
    """Qualify at some time."""
    return lambda now=NOW, thresholds=THRESHOLDS: qualify(catalogue, job, thresholds, 7, now)


def test_a_good_program_is_qualified(catalogue, know, answer):
    know(row(), calcium(), context())
    assert answer().invertible == [OP]
    event = catalogue.ledger.history(OP)[-1]
    assert (event.from_state, event.to_state) == (State.DISCOVERED, State.QUALIFIED)
    assert event.message is None


def test_every_value_is_in_the_event_also_of_what_failed(catalogue, know, answer):
    know(row(aoLocked=749, stokesParameters="I"), calcium())
    assert answer().not_invertible == [OP]
    event = catalogue.ledger.history(OP)[-1]
    assert event.to_state is State.NOT_QUALIFIED
    assert event.message == (
        "BLKGA: Stokes I, not I, Q, U and V; "
        "BLKGA: AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %"
    )
    assert event.detail["failed"] == ["stokes", "ao_locked"]
    assert event.detail["thresholds"]["spectral_rule"] == "overlap"
    assert event.detail["datasets"] == {"BLKGA": 1, "CALCI": 1}
    criteria = {c["criterion"]: c for c in event.detail["criteria"]}
    assert len(criteria) == 12
    assert criteria["ao_locked"]["findings"] == [
        {
            "dataset": "BLKGA",
            "value": 0.749,
            "limit": 0.75,
            "passed": False,
            "text": "AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %",
        },
        {
            "dataset": "CALCI",
            "value": 0.99,
            "limit": 0.75,
            "passed": True,
            "text": "AO locked in 990 of 1000 frames, 99 %",
        },
    ]


def test_an_incomplete_program_waits(catalogue, know, answer):
    know(row(), calcium())
    assert answer(CHANGED + timedelta(days=6.9)).incomplete == [OP]
    assert catalogue.states() == {OP: State.DISCOVERED}
    assert answer(CHANGED + timedelta(days=7)).invertible == [OP]


def test_a_late_dataset_makes_it_wait_again(catalogue, know, answer):
    know(row(), calcium())
    answer()
    late = (NOW + timedelta(days=1)).isoformat()
    know(calcium(aoLocked=1, createDate=late, updateDate=late))
    assert answer(NOW + timedelta(days=7.9)).incomplete == [OP]
    assert answer(NOW + timedelta(days=8)).not_invertible == [OP]
    states = [event.to_state.value for event in catalogue.ledger.history(OP)]
    assert states == ["discovered", "qualified", "discovered", "not_qualified"]


def test_late_context_images_change_nothing(catalogue, know, answer):
    know(row(), calcium())
    answer()
    late = (NOW + timedelta(days=1)).isoformat()
    know(context(createDate=late, updateDate=late))
    report = answer(NOW + timedelta(days=1))
    assert (report.invertible, report.not_invertible, report.incomplete) == ([], [], [])
    assert len(catalogue.ledger.history(OP)) == 2


def test_an_answer_is_given_once(catalogue, know, answer):
    know(row(), calcium())
    answer()
    report = answer(NOW + timedelta(days=1))
    assert (report.invertible, report.not_invertible) == ([], [])
    assert len(catalogue.ledger.history(OP)) == 2


def test_another_rule_asks_again_and_both_answers_stay(catalogue, know, answer):
    know(row())
    assert answer().not_invertible == [OP]
    assert answer(thresholds=Thresholds("named")).invertible == [OP]
    _, before, after = catalogue.ledger.history(OP)
    assert before.detail["thresholds"]["spectral_rule"] == "overlap"
    assert after.detail["thresholds"]["spectral_rule"] == "named"
    assert "Ca II 854.2 nm does not count as observed" in after.message  # a warning
    assert catalogue.qualifications()[OP].thresholds["spectral_rule"] == "named"


@pytest.mark.parametrize(("rule", "n_invertible"), [("overlap", 53), ("named", 84)])
def test_the_real_store_of_2023(shared_data, catalogue, know, answer, rule, n_invertible):
    know(*real_rows(shared_data))
    report = answer(datetime(2023, 12, 31, tzinfo=timezone.utc), Thresholds(rule))
    counts = len(report.invertible), len(report.not_invertible), len(report.incomplete)
    assert counts == (n_invertible, 130 - n_invertible, 0)
    assert catalogue.ledger.counts()[State.QUALIFIED] == n_invertible
