"""Fetch: light curves into scratch before a job, through whatever goes wrong."""

import signal
import time

import pytest

from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.commands.archive import fetch_light_curves, open_ledger, scan_targets
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.cvz.stand_in_archive.faults import KINDS, Faults
from cvzmpi.ledger import State
from tests.cvz.example_file import write_example
from tools.harness import job_process

SECTORS = range(1, 11)


@pytest.fixture
def campaign(settings_for):
    """A campaign of these stars, scanned."""

    def of(archive, n_stars, *more):
        targets = "".join(f"{tic}\n" for tic in range(1, n_stars + 1))
        quick = [
            "archive.read_timeout=10",
            "archive.attempts=3",
            "archive.longest_pause=0.1",
            "light_curve.min_usable_cadences=200",
        ]
        config = load(None, [*settings_for(archive, targets), *quick, *more])
        scan_targets(config, pytest.fail)
        archive.counts.requests.clear()
        return config

    return of


def archive_of(open_archive, n_stars, **faults):
    return open_archive(
        *((tic, sector) for tic in range(1, n_stars + 1) for sector in SECTORS), **faults
    )


def there(tmp_path):
    return sorted(product.id.name for product, _ in Scratch(tmp_path / "scratch", 0).products())


def states(config):
    with open_ledger(config) as ledger:
        return {unit.name: unit.state for unit in ledger.units()}


def test_all_that_is_needed_comes_and_is_recorded(open_archive, campaign, tmp_path):
    archive = archive_of(open_archive, 3)
    config = campaign(archive, 3)
    result = fetch_light_curves(config, pytest.fail)
    assert str(result) == "30 of 30 light curves are in scratch, 30 of them new, 0 failed"
    assert len(there(tmp_path)) == 30
    assert set(states(config).values()) == {State.PREPROCESSED}
    with open_ledger(config) as ledger:
        *_, last = ledger.history("2_7")
    assert last.detail["path"] == str(tmp_path / "scratch" / "s0007" / product_of(2, 7).name)
    assert last.detail["size"] == len(archive.catalog.content(product_of(2, 7)))
    assert len(last.detail["sha256"]) == 64


def test_fetching_again_fetches_nothing(open_archive, campaign):
    archive = archive_of(open_archive, 1)
    config = campaign(archive, 1)
    fetch_light_curves(config, pytest.fail)
    archive.counts.requests.clear()
    assert str(fetch_light_curves(config, pytest.fail)).startswith(
        "10 of 10 light curves are in scratch, 0 of them new"
    )
    assert archive.counts.requests == []


def test_what_scratch_lost_is_fetched_again(open_archive, campaign, tmp_path):
    archive = archive_of(open_archive, 1)
    config = campaign(archive, 1)
    fetch_light_curves(config, pytest.fail)
    for path in (tmp_path / "scratch").rglob("*_lc.fits"):
        if path.parent.name != "s0003":
            path.unlink()
    assert fetch_light_curves(config, pytest.fail).n_downloaded == 9
    assert len(there(tmp_path)) == 10


def test_it_stops_when_scratch_is_full(open_archive, campaign, tmp_path):
    archive = archive_of(open_archive, 2)
    config = campaign(archive, 2, "archive.scratch_gb=0.0025")
    result = fetch_light_curves(config, pytest.fail)
    assert result.is_full
    assert "scratch is full" in str(result)
    # the last one is begun while 2.1 MB are free
    assert len(there(tmp_path)) == (2_500_000 - 2_100_000) // 54_720 + 1


def test_what_is_in_a_sector_file_is_not_fetched(open_archive, campaign, tmp_path):
    archive = archive_of(open_archive, 1)
    config = campaign(archive, 1)
    path = LightCurveId(1, 4).path(tmp_path / "output")
    path.parent.mkdir(parents=True)
    write_example(path, model=False)
    assert fetch_light_curves(config, pytest.fail).n_needed == 9
    assert "1_4" not in there(tmp_path)


def test_a_light_curve_that_cannot_be_had_is_an_error_with_all_that_one_needs(
    open_archive, campaign
):
    archive = archive_of(open_archive, 2)
    config = campaign(archive, 2)
    archive.faults.always[2] = "damaged"
    result = fetch_light_curves(config, pytest.fail)
    assert len(result.failed) == 10
    assert result.n_there + len(result.failed) == result.n_needed
    with open_ledger(config) as ledger:
        *_, last = ledger.history("2_3")
    assert last.to_state is State.ERROR
    assert last.message.startswith(f"TIC 2 sector 3: {archive.address}/api/v0.1/Download/file/")
    assert last.message in result.failed


def test_a_light_curve_with_too_few_cadences_does_not_qualify(open_archive, campaign):
    archive = archive_of(open_archive, 1)
    config = campaign(archive, 1, "light_curve.min_usable_cadences=280")
    fetch_light_curves(config, pytest.fail)
    assert set(states(config).values()) == {State.NOT_QUALIFIED}
    # though its star does, which the next scan sees again
    assert scan_targets(config, pytest.fail)[0].n_changed == 0
    assert set(states(config).values()) == {State.NOT_QUALIFIED}


def test_a_dead_archive_ends_it_and_costs_nothing(open_archive, campaign):
    archive = archive_of(open_archive, 5, faults=Faults(1.0, ["503"]))
    config = campaign(archive, 5, "archive.give_up_after=3")
    said = []
    result = fetch_light_curves(config, said.append)
    assert result.n_there == 0
    (waiting,) = said
    assert waiting.startswith(f"waiting for the archive: {archive.address}/api/v0.1/Download/file/")
    assert ": status 503; asked again in " in waiting
    assert "the archive counts as down: TIC 1 sector" in str(result)
    assert set(states(config).values()) == {State.QUALIFIED}


# ----------------------------------------------------------------- what an acceptance asks for


@pytest.mark.archive
def test_500_files_arrive_whole_through_faults_and_a_kill_and_none_twice(
    open_archive, campaign, tmp_path
):
    """A fifth of the answers fails in every way; the process is killed in the middle."""
    archive = archive_of(open_archive, 50, faults=Faults(0.2, KINDS))
    archive.faults.slow_seconds = 0.2
    settings = [
        "archive.attempts=30",
        "archive.longest_pause=1",
        "archive.connections=4",
        "archive.requests_per_second=50",
    ]
    config = campaign(archive, 50, *settings)
    command = ["-m", "cvzmpi", "fetch"]
    arguments = [
        f"--set={key}={value}"
        for key, value in [setting.split("=", 1) for setting in settings]
        + [
            ("archive.address", archive.address),
            ("archive.scratch", tmp_path / "scratch"),
            ("output.directory", tmp_path / "output"),
            ("archive.read_timeout", 1),
            ("light_curve.min_usable_cadences", 200),
        ]
    ]
    process = job_process.start(arguments, program=command)
    job_process.kill_when(process, lambda: len(there(tmp_path)) >= 200)
    assert process.returncode == -signal.SIGKILL
    before = {product.name for product, _ in Scratch(tmp_path / "scratch", 0).products()}
    killed_at = time.monotonic()

    ended = job_process.run(arguments, program=command)
    assert ended.status == 0, ended.stderr
    assert "500 of 500 light curves are in scratch" in ended.stdout

    scratch = Scratch(tmp_path / "scratch", 0)
    assert len(there(tmp_path)) == 500
    for product, _ in scratch.products():
        assert scratch.path(product).read_bytes() == archive.catalog.content(product)
    again = {path for when, path in archive.counts.requests if when > killed_at}
    assert not [name for name in before if any(name in path for path in again)]
    assert archive.faults.counts.keys() == set(KINDS)
    assert archive.counts.most_connections <= 4
    # they are spaced when they leave; on the way two may come closer
    assert archive.counts.most_in(1.0) <= 50 + 4
    assert set(states(config).values()) == {State.PREPROCESSED}
