"""Groups of programs, who has what, and the states in words."""

from datetime import datetime, timezone

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.metadata_store.dataset import Experiment
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.inversions import Inversion, InversionView, Withdrawal, add_inversion
from cvzmpi.level2.programs.remarks import add_note, withdraw
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.views.description import describe
from cvzmpi.level2.views.programs import list_items, program_view
from cvzmpi.level2.views.proposals import by_proposal
from cvzmpi.level2.views.reservations import by_person
from cvzmpi.level2.views.states import INVERSION_STATES, PROGRAM_STATES, inversion_state
from tests.level2.example_rows import OP, row
from tests.level2.invertible_programs import make_invertible

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def location(tmp_path):
    """SQLite alone: the queries are tested with the catalogue on both."""
    return str(tmp_path / "ledger.sqlite")


def of(program, proposal, experiment, **changed):
    return row(
        f"of {program}",
        observingProgramExecutionId=program,
        primaryProposalId=proposal,
        primaryExperimentId=experiment,
        **changed,
    )


# ----------------------------------------------------------------- groups


def test_programs_are_grouped_by_proposal_and_experiment_the_newest_first(catalogue, job):
    rows = [
        of("a", "pid_1_9", "eid_1_9"),
        of("b", "pid_1_10", "eid_1_10", startTime="2023-05-01T00:00:00"),
        of("c", "pid_1_10", "eid_1_2"),
        of("d", "pid_1_10", "eid_1_10"),
    ]
    synchronise(catalogue, job, read_datasets(rows))
    groups = by_proposal(list_items(catalogue), {"eid_1_2": "Sunspots."})
    assert [group.name for group in groups] == ["pid_1_10", "pid_1_9"]
    newest = groups[0]
    assert [(one.name, one.description) for one in newest.experiments] == [
        ("eid_1_2", "Sunspots."),
        ("eid_1_10", ""),
    ]
    assert sorted(item.name for item in newest.items) == ["b", "c", "d"]
    assert newest.states == {"Waiting": 3}
    assert [f"{time:%Y-%m-%d}" for time in newest.observed] == ["2022-06-02", "2023-05-01"]
    told = newest.as_json()
    assert told["experiments"][0]["programs"][0]["name"] == "c"


def test_a_proposal_of_any_name_has_its_place(catalogue, job):
    names = ["²", "pid_\u0664", "9" * 190, "a", "1a", "-"]
    rows = [of(f"p{n}", name, name) for n, name in enumerate(names)]
    synchronise(catalogue, job, read_datasets(rows))
    assert {group.name for group in by_proposal(list_items(catalogue))} == set(names)


# ----------------------------------------------------------------- who has what


def test_it_is_told_who_has_which_program_and_since_when(catalogue, job):
    make_invertible(catalogue, job, "first", "second", "third")
    for program, person in (("second", "Jane"), ("first", "jane b"), ("third", "Jane")):
        reserve(catalogue, job, program, person)
    people = by_person(list_items(catalogue), catalogue.reserved_since())
    assert {name: [one.program for one in had] for name, had in people.items()} == {
        "Jane": ["second", "third"],
        "jane b": ["first"],
    }
    reserved = people["Jane"][0]
    assert (reserved.proposal, reserved.state) == ("pid_1_118", "Invertible")
    assert reserved.since <= catalogue.ledger.history("second")[-1].at


# ----------------------------------------------------------------- datasets


def test_a_replaced_dataset_is_told_with_the_one_that_replaced_it(catalogue, job):
    rows = [
        row("OLD", productId="L1-X", createDate="2023-01-01T00:00:00"),
        row("NEW", productId="L1-X", createDate="2023-02-01T00:00:00", bucket="public"),
    ]
    synchronise(catalogue, job, read_datasets(rows))
    view = program_view(catalogue, OP)
    datasets = {one["datasetId"]: one for one in view.as_json()["datasets"]}
    assert (datasets["OLD"]["superseded"], datasets["OLD"]["superseded_by"]) == (True, "NEW")
    assert (datasets["NEW"]["superseded"], datasets["NEW"]["superseded_by"]) == (False, None)
    assert view.item.buckets == ["public"]
    assert "superseded by NEW" in describe(view)


# ----------------------------------------------------------------- inversions and states


def test_an_inversion_is_told_with_commit_notes_and_withdrawal(catalogue, job):
    make_invertible(catalogue, job, OP)
    inversion = Inversion("inv.ABCDEF", OP, "science team", {"commit": "abc1234"}, NOW)
    done = Event(OP, State.DONE, detail={"inversion_id": inversion.inversion_id})
    with catalogue.ledger.writing() as connection:
        add_inversion(connection, inversion)
        catalogue.ledger.record([done], job, within=connection)
    add_note(catalogue, OP, "Seeing was good.", "Jane")
    add_note(catalogue, inversion.inversion_id, "Ca II alone.", "Joe")
    (told,) = program_view(catalogue, OP).as_json()["inversions"]
    assert (told["state"], told["commit"]) == ("To publish", "abc1234")
    withdraw(catalogue, job, inversion.inversion_id, "Jane", "wrong darks")
    view = program_view(catalogue, OP)
    (told,) = view.as_json()["inversions"]
    assert (told["state"], told["withdrawal"]["reason"]) == ("Withdrawn", "wrong darks")
    assert [note["text"] for note in told["notes"]] == ["Ca II alone."]
    assert [note["text"] for note in view.as_json()["notes"]] == ["Seeing was good."]
    printed = describe(view)
    for text in ("abc1234", "Seeing was good.", "Ca II alone.", "withdrawn by Jane", "wrong darks"):
        assert text in printed


def test_every_state_has_its_name_in_both_applications():
    assert {state.name for state in PROGRAM_STATES} == set(SHOWN.values())
    inversion = Inversion("inv.ABCDEF", OP, "science team", {}, NOW)
    withdrawal = Withdrawal("inv.ABCDEF", OP, "wrong", "Jane", NOW)
    states = [
        inversion_state(InversionView(inversion, to_publish, published, withdrawn, []))
        for to_publish, published, withdrawn in (
            (True, None, None),
            (False, NOW, None),
            (False, NOW, withdrawal),
            (False, None, None),
        )
    ]
    assert states == [state.name for state in INVERSION_STATES]


def test_experiments_are_described(catalogue, job):
    read = read_datasets([of("a", "pid_1_9", "eid_1_9")])
    synchronise(catalogue, job, read, [Experiment(experiment_id="eid_1_9", description="Plage.")])
    (group,) = by_proposal(list_items(catalogue), catalogue.experiments())
    assert group.experiments[0].description == "Plage."
