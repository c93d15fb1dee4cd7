"""What the ledger's source does for programs, on both databases; without inverting anything."""

import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_unit import InversionUnit, UnitMap, last_prepared
from cvzmpi.level2.inversion.inversion_writer import InversionWriter
from cvzmpi.level2.inversion.map_inversion import Tools
from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.inversion.program_work import ProgramWork
from cvzmpi.level2.maps.arms import CALCIUM
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.reservation import ReservationError, release, reserve
from cvzmpi.scheduler.campaign import Outcome
from tests.ledger.way import WORKER, begin_next, next_unit, state_of
from tests.level2.dead_job import let_die
from tools.harness.invented_programs import invent_programs


@pytest.fixture
def config(tmp_path, location):
    """Of a campaign with two prepared programs, the first one with two maps."""
    invent_programs(tmp_path, {"two": [(2, 3), (2, 3)], "one": [(2, 2)]}, location=location)
    place = {"url": location} if "://" in location else {"file": location}
    return Level2Config.model_validate(
        {"ledger": place, "maps": {"directory": str(tmp_path / "maps")}}
    )


@pytest.fixture
def catalogue(ledger, config):
    return Catalogue(ledger)


def program_work(config):
    return ProgramWork(config, Tools.of(config.inversion, 1.0, fsync=False))


@contextmanager
def job_of(work):
    """The source of a job, for as long as the context lasts."""
    source = work.open_source(ranks=1, nodes=1, teams=1)
    try:
        yield source
    finally:
        source.close("end of the test")


def test_a_program_is_done_together_with_an_inversion_of_each_map(config, catalogue):
    work = program_work(config)
    with job_of(work) as source:
        overview = source.overview()
        assert (overview.n_open, overview.n_begun, overview.rejected) == (2, 0, [])
        assert overview.steps_per_unit == 8
        unit = begin_next(source)
        assert (unit.name, len(unit.content.maps)) == ("two", 2)
        source.ended(Outcome("two", seconds=1.0, result={"note": "started anew"}))
    inversions = catalogue.result("two")
    assert work.inverted == [("two", i.inversion_id) for i in inversions]
    event = catalogue.ledger.history("two")[-1]
    ids = ", ".join(inversion.inversion_id for inversion in inversions)
    assert event.message == f"Milne-Eddington inversion, {ids}; started anew"
    assert {inversion.at for inversion in inversions} == {event.at}
    for inversion, one in zip(inversions, unit.content.maps, strict=True):
        assert inversion.method == "Milne-Eddington"
        assert inversion.detail == {
            "level1": str(one.level1),
            "prepared": str(one.prepared),
            "inverted": str(one.inverted),
        }


def test_sweeps_count_the_pixels_again_of_maps_that_are_coupled():
    one, other = Path("prepared.h5"), Path("inverted.h5")
    program = InversionUnit("both", (UnitMap(one, other, 10), UnitMap(one, other, 7, arm=CALCIUM)))
    assert [program.n_steps(n_sweeps) for n_sweeps in (0, 3)] == [17, 47]


def test_a_program_that_cannot_be_inverted_is_in_error_and_named_by_the_next_job(config, catalogue):
    with job_of(program_work(config)) as source:
        begin_next(source)
        source.ended(Outcome("two", error="no light"))
    event = catalogue.ledger.history("two")[-1]
    assert (event.to_state, event.message) == (State.ERROR, "invert: no light")
    assert event.detail["step"] == "invert"
    assert catalogue.inversions() == []
    with job_of(program_work(config)) as source:
        assert source.overview().rejected == [Outcome("two", "invert: no light")]


def test_people_and_jobs_never_have_the_same_program(config, catalogue, job):
    reserve(catalogue, job, "two", "Jane")
    with job_of(program_work(config)) as source:
        assert source.overview().n_open == 1
        assert next_unit(source).name == "one"
        assert next_unit(source) is None
        with pytest.raises(
            ReservationError, match=r"one: job \d+ on .*, last heard of at .* inverts it"
        ):
            reserve(catalogue, job, "one", "Jane")
        release(catalogue, job, "two")
        give_up = time.monotonic() + 30
        while (unit := source.next()) is None:  # the job looks again, every other second
            assert time.monotonic() < give_up
            source.attend()
            time.sleep(0.01)
        source.began(unit, WORKER)
        assert unit.name == "two"
        with pytest.raises(ReservationError, match=r"two: job \d+ on .* inverts it"):
            reserve(catalogue, job, "two", "Jane")
    reserve(catalogue, job, "one", "Jane")


def test_a_result_for_a_program_that_was_reopened_meanwhile_is_not_recorded(config, catalogue, job):
    work = program_work(config)
    with job_of(work) as source:
        unit = next_unit(source)
        catalogue.ledger.record([Event("two", State.DISCOVERED, message="late data")], job)
        source.began(unit, WORKER)
        source.ended(Outcome("two"))
    assert catalogue.ledger.history("two")[-1].message == "late data"
    assert catalogue.inversions() == []


def test_what_was_prepared_since_the_job_began_costs_no_attempt_where_it_got_further(
    config, catalogue, tmp_path, location
):
    ledger = catalogue.ledger
    with job_of(program_work(config)) as source:
        invent_programs(tmp_path, {"late": [(2, 3)]}, location=location)
        dead = ledger.jobs.begin("level2 run")
        (late,) = ledger.claims.take(dead, 9, (State.PREPROCESSED,))
        ledger.record([Event(late.name, State.WORKING, State.PREPROCESSED)], dead)
        (one,) = last_prepared(ledger.history("late"), config.maps.inverted).maps
        inversion_file.create(one.inverted, (2, 3), 2, Origin("{}", "", {}), fsync=False)
        with InversionWriter(one.inverted, fsync=False) as writer:
            writer.count_down(1)
        with ledger.writing() as connection:
            let_die(dead, connection)
        give_up = time.monotonic() + 30
        while state_of(ledger, "late") is State.WORKING:
            assert time.monotonic() < give_up
            source.attend()
            time.sleep(0.01)
    (unit,) = ledger.units(names=["late"])
    assert (unit.state, unit.progress, unit.attempts_used) == (State.PREPROCESSED, 1, 0)
