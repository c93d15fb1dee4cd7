"""Real jobs that invert programs: each once, whoever else is about, and however often killed."""

import shutil
import time

import numpy as np
import pytest
import sqlalchemy as sa

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.client.outbox import Outbox
from cvzmpi.ledger.db.tables import claims as job_claims
from cvzmpi.ledger.records import now as present
from cvzmpi.level2.inversion.campaigns import ProgramCampaign
from cvzmpi.level2.inversion.inversion_file import read_progress
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.reservation import ReservationError, reserve
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.tables import qualifications
from tests.level2.dead_job import let_die
from tests.level2.example_rows import row
from tests.main_job import HANG, before_work_on
from tools.harness import job_process
from tools.harness.hdf5_content import content
from tools.harness.invented_programs import invent_programs
from tools.harness.job_process import kill, kill_when, start

WAVELENGTH = 630.08 + 0.0039 * np.arange(63)
PROGRAMS = {"two": [(2, 70), (2, 40)], "one": [(3, 70)]}
SOON = ("--set", "checkpoint.interval=0.02")


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    directory = tmp_path_factory.mktemp("invented")
    invent_programs(directory, PROGRAMS, WAVELENGTH)
    return directory


@pytest.fixture
def campaign(tmp_path, invented):
    """A campaign in which nothing is inverted yet; elsewhere than where it was prepared."""
    return campaign_in(tmp_path / "campaign", invented)


def campaign_in(directory, invented):
    shutil.copytree(invented, directory)
    return directory


@pytest.fixture(scope="module")
def expected(invented, tmp_path_factory):
    """The maps that one rank makes undisturbed, by name."""
    directory = campaign_in(tmp_path_factory.mktemp("undisturbed") / "campaign", invented)
    ended = run(directory)
    assert ended.status == 0, ended.stderr
    assert "2 programs" in ended.stderr
    return maps(directory)


def command(*more, team=1):
    return ["level2", "run", "--ranks-per-team", team, *SOON, *more]


def run(directory, *more, ranks=None, team=1, **environment):
    return job_process.run(command(*more, team=team), ranks=ranks, cwd=directory, **environment)


def maps(directory):
    files = (directory / "maps" / "inverted").glob(f"*{INVERTED_SUFFIX}")
    return {path.name: content(path) for path in files}


def tickets(directory):
    """Tickets that are done, in all files."""
    files = (directory / "maps" / "inverted").glob(f"*{INVERTED_SUFFIX}")
    return sum(read_progress(path).n_tickets_done for path in files)


class Story:
    """What the ledger of a campaign says; opened anew each time, as another process would."""

    def __init__(self, directory):
        self.location = directory / "ledger.sqlite"

    def states(self, name):
        with Ledger.open(self.location) as ledger:
            return [str(event.to_state) for event in ledger.history(name)]

    def history(self, name):
        with Ledger.open(self.location) as ledger:
            return ledger.history(name)

    def unit(self, name):
        with Ledger.open(self.location) as ledger:
            return ledger.units(names=[name])[0]

    def inversions(self):
        with Ledger.open(self.location) as ledger:
            return Catalogue(ledger).inversions()


@pytest.fixture
def story(campaign):
    return Story(campaign)


WAY = ["discovered", "qualified", "preprocessed", "working", "done"]


def all_done_once(campaign, expected):
    """Every program is done once, with an inversion for each of its maps, as undisturbed."""
    story = Story(campaign)
    for name in PROGRAMS:
        assert story.states(name).count("done") == 1
        assert story.unit(name).state is State.DONE
    inversions = story.inversions()
    assert sorted(i.program for i in inversions) == ["one", "two", "two"]
    for inversion in inversions:
        done = story.history(inversion.program)[-1]
        assert inversion.inversion_id in done.message
        assert inversion.at == done.at
    assert maps(campaign) == expected
    return True


# ----------------------------------------------------------------- undisturbed


@pytest.mark.parametrize(("ranks", "team"), [(3, 1), (5, 4)])
def test_programs_go_through_working_to_done_with_an_inversion_of_each_map(
    campaign, expected, story, ranks, team
):
    ended = run(campaign, ranks=ranks, team=team)
    assert ended.status == 0, ended.stderr
    assert all_done_once(campaign, expected)
    assert story.states("two") == WAY
    *_, working, done = story.history("two")
    assert (working.rank, working.job.program) == (1 if team == 4 else working.rank, "level2 run")
    assert working.host == done.host == working.job.host
    assert done.detail["step"] == "invert"
    assert done.job.ranks == ranks
    printed = {line for line in ended.stdout.splitlines() if "inverted" in line}
    assert printed == {f"{i.program}: inverted, {i.inversion_id}" for i in story.inversions()}
    again = run(campaign, ranks=2)
    assert (again.status, again.stdout) == (0, "")
    assert story.states("two") == WAY


def test_other_settings_are_refused_before_anything_starts(campaign, story):
    job = start(command(), ranks=2, cwd=campaign)
    kill_when(job, lambda: tickets(campaign) > 0)
    before = story.states("one"), story.states("two")
    ended = run(campaign, "--set", "inversion.noise=0.5")
    assert ended.status == 2
    (complaint,) = ended.complaints
    assert "made with another configuration (noise" in complaint
    assert (story.states("one"), story.states("two")) == before


# ----------------------------------------------------------------- people and jobs


def test_what_somebody_has_reserved_is_not_begun(campaign, story):
    with Ledger.open(campaign / "ledger.sqlite") as ledger, ledger.job("reserve") as job:
        reserve(Catalogue(ledger), job, "two", "Jane")
    ended = run(campaign, ranks=2)
    assert ended.status == 0, ended.stderr
    assert "1 program: 0 done before, 0 half done, 1 to begin" in ended.stderr
    assert story.states("one") == WAY
    assert story.unit("two").state is State.PREPROCESSED
    assert "working" not in story.states("two")


def test_nobody_can_reserve_what_a_job_works_on_or_will(campaign, story):
    hanging = before_work_on(PROGRAMS, HANG, ProgramCampaign)
    job = start(command(), ranks=2, cwd=campaign, program=hanging)
    while not any("working" in story.states(name) for name in PROGRAMS):
        assert job.poll() is None, job.communicate()[1]
        time.sleep(0.01)
    with Ledger.open(campaign / "ledger.sqlite") as ledger, ledger.job("reserve") as person:
        for name in PROGRAMS:  # one is being worked on, the other waits for its turn
            with pytest.raises(
                ReservationError, match=rf"{name}: job \d+ on .* inverts it or is about"
            ):
                reserve(Catalogue(ledger), person, name, "Jane")
    kill(job)


def test_two_jobs_at_once_invert_each_program_once(campaign, expected, story):
    both = [start(command(), ranks=2, cwd=campaign) for _ in range(2)]
    for job in both:
        job.communicate(timeout=120)
    assert {job.returncode for job in both} <= {0, 75}  # 75: the other one has the rest
    assert all_done_once(campaign, expected)
    assert [story.states(name).count("working") for name in PROGRAMS] == [1, 1]


# ----------------------------------------------------------------- killed


def test_a_killed_job_costs_no_attempt_where_it_got_further(campaign, expected, story):
    job = start(command(), ranks=3, cwd=campaign)
    kill_when(job, lambda: tickets(campaign) >= 2)
    done = tickets(campaign)
    ended = run(campaign, ranks=3, team=2)
    assert ended.status == 0, ended.stderr
    assert all_done_once(campaign, expected)
    died = [e for name in PROGRAMS for e in story.history(name) if "died" in (e.message or "")]
    assert {event.attempts_used for event in died if event.progress} == {0}
    assert sum(event.progress for event in died) == done


def test_a_program_over_which_jobs_die_without_progress_is_given_up(campaign, story):
    poison = ("--set", "job.max_attempts=2")
    hanging = before_work_on(["one"], HANG, ProgramCampaign)
    for attempt in (1, 2):
        job = start(command(*poison), ranks=2, cwd=campaign, program=hanging)
        kill_when(job, lambda n=attempt: story.states("one").count("working") == n)
    ended = run(campaign, *poison, ranks=2)
    assert ended.status == 1
    event = story.history("one")[-1]
    assert event.to_state is State.ERROR
    assert event.message.startswith("2 jobs died while they worked on it and it got no further")
    assert story.unit("two").state is State.DONE
    assert job_process.run(["level2", "retry", "one"], cwd=campaign).status == 0
    assert (story.unit("one").attempts_used, run(campaign).status) == (0, 0)


def leave_as_killed_at_the_end(campaign, name):
    """All maps of a program are finished, and the job did not live to say so."""
    with Ledger.open(campaign / "ledger.sqlite") as ledger:
        dead = ledger.jobs.begin("level2 run")
        ledger.claims.take(dead, 9, (State.PREPROCESSED,))
        ledger.record([Event(name, State.WORKING, State.PREPROCESSED)], dead)
        with ledger.writing() as connection:
            ledger.jobs.beat(dead, 0, None, within=connection)
            let_die(dead, connection)
    return dead


def test_what_is_finished_and_not_recorded_becomes_done_once_by_the_next_job(
    campaign, expected, story, invented, tmp_path
):
    other = campaign_in(tmp_path / "finished", invented)
    assert run(other).status == 0
    shutil.copytree(other / "maps" / "inverted", campaign / "maps" / "inverted")
    leave_as_killed_at_the_end(campaign, "two")
    ended = run(campaign, ranks=2)
    assert ended.status == 0, ended.stderr
    assert all_done_once(campaign, expected)
    assert "0 pixels" in ended.stderr
    assert story.states("two")[2:] == ["preprocessed", "working", "preprocessed", "working", "done"]


def test_a_result_in_the_outbox_of_a_dead_job_brings_its_inversions_with_it(
    campaign, expected, story, invented, tmp_path
):
    other = campaign_in(tmp_path / "finished", invented)
    assert run(other).status == 0
    shutil.copytree(other / "maps" / "inverted", campaign / "maps" / "inverted")
    done = Story(other).history("two")[-1]
    dead = leave_as_killed_at_the_end(campaign, "two")
    last_words = Event("two", State.DONE, State.WORKING, done.message, done.detail, attempts_used=0)
    Outbox(campaign / "maps" / "outbox", dead).append([last_words])
    assert run(campaign, ranks=2).status == 0
    assert all_done_once(campaign, expected)
    assert story.states("two") == WAY
    with Ledger.open(campaign / "ledger.sqlite") as ledger, ledger.database.reading() as reading:
        assert reading.execute(sa.select(job_claims)).all() == []


def test_what_changed_while_a_job_worked_on_it_is_reopened_and_not_begun_again(campaign, story):
    with Ledger.open(campaign / "ledger.sqlite") as ledger, ledger.job("qualify") as job:
        catalogue = Catalogue(ledger)
        of_one = {"observingProgramExecutionId": "one"}
        synchronise(catalogue, job, read_datasets([row(**of_one)]))
        answer = {"invertible": True, "failed": [], "thresholds": {}, "versions": {"BLKGA": 1}}
        with ledger.writing() as connection:
            values = {"program": "one", "at": present(), **answer}
            connection.execute(qualifications.insert().values(**values))
    leave_as_killed_at_the_end(campaign, "one")
    with Ledger.open(campaign / "ledger.sqlite") as ledger, ledger.job("scan") as job:
        late = [row(**of_one), row("THIRD", **of_one)]
        assert synchronise(Catalogue(ledger), job, read_datasets(late)).reopened_programs == []
    assert run(campaign, ranks=2).status == 0
    assert story.unit("two").state is State.DONE
    assert story.states("one")[3:] == ["working", "preprocessed"], "given back, and not begun"
    assert run(campaign).status == 0
    assert story.states("one")[3:] == ["working", "preprocessed", "discovered"]


# ----------------------------------------------------------------- what people see


def test_status_and_history_tell_of_the_jobs(campaign):
    assert run(campaign, ranks=2).status == 0
    status = job_process.run(["level2", "status"], cwd=campaign)
    assert "2 units: 2 done" in status.stdout
    assert '"done": 2' in job_process.run(["level2", "status", "--json"], cwd=campaign).stdout
    history = job_process.run(["level2", "history", "one"], cwd=campaign).stdout
    for text in ("one: done since", "working, attempt 1", "Milne-Eddington inversion, inv."):
        assert text in history
    stranger = job_process.run(["level2", "history", "three"], cwd=campaign)
    assert (stranger.status, len(stranger.complaints)) == (2, 1)
