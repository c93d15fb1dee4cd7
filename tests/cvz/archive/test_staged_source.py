"""The staged source: ahead of the teams, within bounds, and with nothing left behind."""

import hashlib
import re
import time

import pytest

from cvzmpi.cvz.archive.scratch.download import PlainDownloader
from cvzmpi.cvz.archive.scratch.quota import ScratchQuota
from cvzmpi.cvz.archive.scratch.stager import Stager
from cvzmpi.cvz.archive.staged_source import StagedSource
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.cvz.stand_in_archive.faults import Faults
from cvzmpi.scheduler.campaign import Outcome, Unit, Worker
from cvzmpi.scheduler.schedule import Schedule
from tests.cvz.example_file import write_example

WORKER = Worker(1, "here")
MEGABYTE = 1e6


class Notebook(Schedule):
    """A source of units that keeps what is recorded of their light curves."""

    def __init__(self, units):
        super().__init__(units)
        self.preprocessed_units = {}
        self.not_qualified_units = {}

    def preprocessed(self, unit, **detail):
        self.preprocessed_units[unit.name] = detail

    def not_qualified(self, unit, message):
        self.not_qualified_units[unit.name] = message


@pytest.fixture
def open_source(client, scratch, tmp_path):
    """Start a staged source of an archive's products; its `notebook` is the inner source."""
    sources = []

    def start(
        archive,
        units=None,
        ahead=100,
        scratch_bytes=1e9,
        give_up_after=10,
        min_usable_cadences=0,
    ):
        products = [p for sector in (1, 2) for p in archive.catalog.of_sector(sector)]
        units = [unit_of(product) for product in products] if units is None else units
        downloader, quota = (
            PlainDownloader(client, archive.address),
            ScratchQuota(scratch, scratch_bytes),
        )
        notebook = Notebook(units)
        sources.append(
            StagedSource(
                notebook,
                Stager(downloader, scratch, 4, give_up_after, quota=quota),
                tmp_path / "output",
                ahead=ahead,
                min_usable_cadences=min_usable_cadences,
            )
        )
        sources[-1].notebook = notebook
        return sources[-1]

    yield start
    for source in sources:
        source.close(None)


@pytest.fixture
def checkpointed(tmp_path):
    """Write the sector file of a light curve as far as its first checkpoint."""

    def write(tic, sector):
        path = LightCurveId(tic, sector).path(tmp_path / "output")
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_example(path, model=False)

    return write


def unit_of(product, begun=False):
    return Unit(product.id.name, 1.0, begun, LightCurveSource(product.id, product=product))


def take_all(source, on_unit=lambda unit: None):
    """Work on all units, one at a time; the units and the outcomes without a team."""
    units, dropped = [], []
    until = time.monotonic() + 60
    while not source.exhausted():
        assert time.monotonic() < until
        dropped += source.attend()
        unit = source.next()
        if unit is None:
            time.sleep(0.002)
            continue
        units.append(unit)
        source.began(unit, WORKER)
        on_unit(unit)
        source.ended(Outcome(unit.name))
    return units, dropped


def files(scratch):
    return [path for path in scratch.directory.rglob("*") if path.is_file()]


def test_a_unit_is_given_out_when_its_light_curve_is_there(open_archive, open_source):
    archive = open_archive(*((tic, 1) for tic in range(1, 21)))
    contents = []
    units, dropped = take_all(
        open_source(archive), lambda unit: contents.append(unit.content.path.read_bytes())
    )
    assert len(units) == 20
    assert dropped == []
    assert contents == [archive.catalog.content(unit.content.product) for unit in units]


def test_what_was_used_is_removed(open_archive, open_source, scratch):
    archive = open_archive(*((tic, 1) for tic in range(1, 11)))
    take_all(open_source(archive))
    assert files(scratch) == []


def test_what_failed_is_removed_and_what_was_stopped_before_its_checkpoint_stays(
    open_archive, open_source, scratch
):
    archive = open_archive((1, 1), (2, 1))
    source = open_source(archive)
    given = []
    while len(given) < 2:
        source.attend()
        given += [unit for unit in [source.next()] if unit is not None]
    source.ended(Outcome("1_1", error="too few cadences"))
    source.ended(Outcome("2_1", unfinished="asked to stop"))
    assert files(scratch) == [scratch.path(product_of(2, 1))]


def test_it_runs_ahead_so_far_and_no_further(open_archive, open_source):
    archive = open_archive(*((tic, 1) for tic in range(1, 31)))
    source = open_source(archive, ahead=5)
    until = time.monotonic() + 60
    while source.status() != "5 downloaded, 0 on the way, 5 ready":
        assert time.monotonic() < until
        source.attend()
    for _ in range(10):
        source.attend()
        time.sleep(0.01)
    assert len(set(archive.counts.requested("Download"))) == 5


def test_scratch_holds_only_so_much(open_archive, open_source, scratch):
    archive = open_archive(*((tic, 1) for tic in range(1, 31)))
    source = open_source(archive, scratch_bytes=6.5 * MEGABYTE)
    most = 0

    def look(unit):
        nonlocal most
        for _ in range(20):
            source.attend()
            time.sleep(0.002)
        most = max(most, len(files(scratch)))

    units, _ = take_all(source, look)
    assert len(units) == 30
    # one is reckoned with 2.1 MB until it is there; here they are small
    assert 2 <= most <= 6.5 * MEGABYTE / 54_720


def test_a_scratch_that_is_full_of_other_things_does_not_stop_the_job(
    open_archive, open_source, scratch
):
    archive = open_archive((1, 1), (2, 1), (3, 1))
    other = scratch.path(product_of(77, 5))
    other.parent.mkdir(parents=True)
    other.write_bytes(bytes(10_000))
    units, _ = take_all(open_source(archive, scratch_bytes=5_000))
    assert len(units) == 3
    assert files(scratch) == [other]


def test_what_has_its_checkpoint_needs_no_light_curve(
    open_archive, open_source, scratch, checkpointed, tmp_path
):
    archive = open_archive((1, 1), (2, 1))
    checkpointed(1, 1)
    left = scratch.path(product_of(1, 1))
    left.parent.mkdir(parents=True)
    left.write_bytes(archive.catalog.content(product_of(1, 1)))
    units, _ = take_all(open_source(archive))
    assert {unit.name: unit.content.path is not None for unit in units} == {
        "1_1": False,
        "2_1": True,
    }
    assert len(archive.counts.requests) == 1
    assert files(scratch) == []


def test_what_a_killed_job_used_and_did_not_remove_is_removed(
    open_archive, open_source, scratch, checkpointed
):
    archive = open_archive((1, 1))
    checkpointed(55, 2)
    left = scratch.path(product_of(55, 2))
    left.parent.mkdir(parents=True)
    left.write_bytes(b"used")
    take_all(open_source(archive))
    assert files(scratch) == []


def test_units_that_come_from_elsewhere_pass_through(open_archive, open_source, tmp_path):
    unit = Unit("5_5", 1.0, False, LightCurveSource(LightCurveId(5, 5), tmp_path / "a.fits"))
    units, _ = take_all(open_source(open_archive(), [unit]))
    assert units == [unit]


def test_a_download_that_fails_is_told_as_the_end_of_its_unit(open_archive, open_source):
    archive = open_archive(*((tic, 1) for tic in range(1, 6)))
    archive.faults.always[3] = "wrong file"
    units, dropped = take_all(open_source(archive))
    assert sorted(unit.name for unit in units) == ["1_1", "2_1", "4_1", "5_1"]
    (outcome,) = dropped
    assert outcome.unit == "3_1"
    assert outcome.error.startswith(f"TIC 3 sector 1: {archive.address}/")
    assert "TIC 4 sector 1 came from there, expected TIC 3 sector 1" in outcome.error


def test_with_a_dead_archive_the_job_works_on_what_it_has_and_ends(
    open_archive, open_source, scratch, checkpointed, tmp_path
):
    archive = open_archive(*((tic, 1) for tic in range(11, 71)), faults=Faults(0, ["503"]))
    checkpointed(11, 1)
    there = scratch.path(product_of(15, 1))
    there.parent.mkdir(parents=True)
    there.write_bytes(archive.catalog.content(product_of(15, 1)))
    archive.faults.share = 1.0
    source = open_source(archive, ahead=10, give_up_after=3)
    units, dropped = take_all(source)
    assert sorted(unit.name for unit in units) == ["11_1", "15_1"]
    assert all(outcome.error is None and outcome.unfinished for outcome in dropped)
    assert len(dropped) < 58  # it does not go through the whole campaign
    assert "the archive is down" in source.status()


def test_each_light_curve_that_came_is_recorded(open_archive, open_source):
    archive = open_archive((1, 1), (2, 1))
    source = open_source(archive)
    take_all(source)
    notebook = source.notebook
    assert sorted(notebook.preprocessed_units) == ["1_1", "2_1"]
    content = archive.catalog.content(product_of(1, 1))
    detail = notebook.preprocessed_units["1_1"]
    assert detail["size"] == len(content)
    assert detail["sha256"] == hashlib.sha256(content).hexdigest()
    assert detail["path"].endswith(product_of(1, 1).name)


def test_a_light_curve_with_too_few_cadences_does_not_qualify(open_archive, open_source, scratch):
    archive = open_archive((1, 1))
    source = open_source(archive, min_usable_cadences=1000)
    units, (outcome,) = take_all(source)
    assert units == []
    assert outcome.error is None
    assert outcome.result["note"].startswith("does not qualify: ")
    reason = r"\d+ usable cadences, expected at least 1000 \(light_curve.min_usable_cadences\)"
    assert re.fullmatch(reason, source.notebook.not_qualified_units["1_1"])
    assert files(scratch) == []


def test_downloads_go_on_while_units_are_worked_on(open_archive, open_source):
    archive = open_archive(*((tic, 1) for tic in range(1, 9)), faults=Faults(1.0, ["slow"]))
    archive.faults.slow_seconds = 0.2
    source = open_source(archive)
    counts = []

    def n_downloaded():
        return int(source.status().split()[0])

    def work(unit):
        give_up = time.monotonic() + 60
        while not counts and n_downloaded() <= 1 and time.monotonic() < give_up:
            source.attend()
            time.sleep(0.005)
        counts.append(n_downloaded())

    take_all(source, work)
    # while the first was worked on, others came
    assert counts[0] > 1
