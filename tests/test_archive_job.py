"""The main job from a list of targets: scan, download and compute, all in one."""

import os
import pty
import shutil
import subprocess
import sys
import time

import h5py
import pytest

from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.faults import Faults
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from cvzmpi.ledger import Ledger, State
from tests import main_job
from tools.harness import hdf5_content, job_process

N_STARS, SECTORS = 4, (1, 2)
UNITS = [f"{tic}_{sector}" for tic in range(1, N_STARS + 1) for sector in SECTORS]


@pytest.fixture(scope="module")
def catalog():
    """Stars that flare often, in two sectors each."""
    products = [product_of(tic, sector) for tic in range(1, N_STARS + 1) for sector in SECTORS]
    catalog = Catalog(products, Simulation(n_cadences=main_job.N_CADENCES).content)
    for product in products:
        catalog.content(product)  # the job shall not wait for the simulation
    return catalog


@pytest.fixture
def archive(catalog, models):
    del models  # they must be there
    with StandInArchive(catalog, Faults(0.0)) as archive:
        yield archive


@pytest.fixture
def arguments(archive, tmp_path):
    """What starts a job with a list of targets and an empty scratch."""
    targets = tmp_path / "targets.csv"
    targets.write_text("TICID\n" + "".join(f"{tic}\n" for tic in range(1, N_STARS + 1)))
    settings = {
        "archive.scratch": tmp_path / "scratch",
        "archive.min_sectors_per_year": 2,
        "archive.requests_per_second": 50,
        "archive.read_timeout": 2,
        "archive.attempts": 4,
        "archive.longest_pause": 1,
    }
    return [
        "run",
        *("--targets", targets, "--output", tmp_path / "output"),
        *archive.settings(),
        *main_job.FAST,
        *(f"--set={key}={value}" for key, value in settings.items()),
    ]


def sector_files(tmp_path):
    return sorted(path.stem for path in (tmp_path / "output").rglob("*_*.h5"))


def states(tmp_path):
    with Ledger.open(tmp_path / "output" / "ledger.sqlite", create=False) as ledger:
        return {unit.name: unit.state for unit in ledger.units()}


def test_from_a_list_of_targets_to_the_same_sector_files_as_from_a_directory(
    arguments, archive, catalog, tmp_path
):
    archive.faults.share, archive.faults.slow_seconds = 0.3, 0.5
    ended = job_process.run(arguments, ranks=3)
    assert ended.status == 0, ended.stderr
    assert sector_files(tmp_path) == sorted(UNITS)
    assert set(states(tmp_path).values()) == {State.DONE}
    # scratch is empty again
    assert list(Scratch(tmp_path / "scratch", 0).products()) == []
    assert archive.counts.most_connections <= 4

    directory = tmp_path / "fits"
    directory.mkdir()
    for sector in SECTORS:
        for product in catalog.of_sector(sector):
            (directory / product.name).write_bytes(catalog.content(product))
    plain = ["run", "--input", directory, "--output", tmp_path / "plain", *main_job.FAST]
    assert job_process.run(plain, ranks=2).status == 0
    assert hdf5_content.contents(tmp_path / "output") == hdf5_content.contents(tmp_path / "plain")


def test_downloads_go_on_while_light_curves_are_worked_on(arguments, archive, tmp_path):
    archive.faults.share, archive.faults.slow_seconds = 1.0, 2.0
    archive.faults.kinds = ("slow",)
    ended = job_process.run([*arguments, "--set=archive.connections=1"], ranks=2)
    assert ended.status == 0, ended.stderr
    first_done = min(p.stat().st_mtime for p in (tmp_path / "output").rglob("*_*.h5"))
    begin_of_monotonic = time.time() - time.monotonic()
    requested = [begin_of_monotonic + when for when, path in archive.counts.requests]
    assert sum(when > first_done for when in requested) >= 3


def test_the_progress_shows_downloads_and_computation(arguments, archive):
    archive.faults.share, archive.faults.slow_seconds = 1.0, 1.0
    archive.faults.kinds = ("slow",)
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cvzmpi", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=end,
        env=job_process.environment(COLUMNS="200", TERM="xterm"),
    )
    os.close(end)
    shown = b""
    try:
        while True:
            shown += os.read(terminal, 65536)
    except OSError:  # the process has ended
        pass
    finally:
        os.close(terminal)
    assert process.wait() == 0, shown
    lines = shown.decode().replace("\r", "\n").splitlines()
    both = [line for line in lines if "1 working" in line and "on the way" in line]
    assert any("injections/s" in line and " downloaded" in line for line in both), lines[-20:]


def test_a_killed_job_goes_on_without_fetching_what_has_its_checkpoint(
    arguments, archive, tmp_path
):
    process = job_process.start(arguments, ranks=3)
    job_process.kill_when(process, lambda: len(sector_files(tmp_path)) >= 3)
    there = set(sector_files(tmp_path))
    killed_at = time.monotonic()
    ended = job_process.run(arguments, ranks=3)
    assert ended.status == 0, ended.stderr
    assert sector_files(tmp_path) == sorted(UNITS)
    again = [path for when, path in archive.counts.requests if when > killed_at]
    for unit in there:
        tic, sector = map(int, unit.split("_"))
        assert not any(product_of(tic, sector).name in path for path in again)
    assert list(Scratch(tmp_path / "scratch", 0).products()) == []


def test_a_file_that_turns_out_to_be_damaged_is_kept_and_its_light_curve_fetched_again(
    arguments, archive, tmp_path
):
    output = tmp_path / "output"
    assert job_process.run(arguments, ranks=2).status == 0
    (path,) = output.rglob("3_1.h5")
    whole = hdf5_content.content(path)
    main_job.rewind(path, 40)
    with h5py.File(path, "r+") as file:
        file["lc/quality"][0] += 1  # which is found out only when the work on it goes on
    damaged = path.read_bytes()
    assert job_process.run(["verify", "--output", output]).status == 0

    archive.counts.requests.clear()
    ended = job_process.run(arguments, ranks=2)
    assert ended.status == 1, ended.stderr
    assert states(tmp_path)["3_1"] is State.ERROR
    assert path.with_name("3_1.h5.damaged").read_bytes() == damaged
    assert "3_1.h5.damaged" in ended.stderr + ended.stdout

    ended = job_process.run(arguments, ranks=2)
    assert ended.status == 0, ended.stderr
    assert set(states(tmp_path).values()) == {State.DONE}
    assert hdf5_content.content(path) == whole
    fetched = [path for _, path in archive.counts.requests if "_lc.fits" in path]
    assert len(fetched) == 1, fetched


def test_a_light_curve_that_cannot_be_had_costs_one_light_curve(arguments, archive, tmp_path):
    archive.faults.always[3] = "wrong file"
    ended = job_process.run([*arguments, "--set=archive.attempts=2"], ranks=2)
    assert ended.status == 1, ended.stderr
    assert sector_files(tmp_path) == sorted(set(UNITS) - {"3_1", "3_2"})
    first, second = sorted(ended.failures)
    address = f"{archive.address}/api/v0.1/Download/file/?uri=mast:TESS/product/"
    assert first.startswith(f"failed 3_1: TIC 3 sector 1: {address}{product_of(3, 1).name}: TIC 4")
    assert second.startswith(f"failed 3_2: TIC 3 sector 2: {address}{product_of(3, 2).name}: TIC 4")
    assert states(tmp_path)["3_1"] is State.ERROR
    # the next job tries again
    archive.faults.always.clear()
    assert job_process.run(arguments, ranks=2).status == 0
    assert sector_files(tmp_path) == sorted(UNITS)


def test_light_curves_with_too_few_cadences_do_not_qualify_and_are_not_tried_again(
    arguments, archive, tmp_path
):
    strict = [*arguments, "--set=light_curve.min_usable_cadences=2990"]
    for _ in range(2):
        ended = job_process.run(strict, ranks=2)
        assert ended.status == 0, ended.stderr
        assert set(states(tmp_path).values()) == {State.NOT_QUALIFIED}
    assert len(archive.counts.requested("Download")) == len(UNITS)
    assert sector_files(tmp_path) == []
    assert list(Scratch(tmp_path / "scratch", 0).products()) == []


def test_with_a_dead_archive_the_job_works_on_what_it_has(arguments, archive, tmp_path):
    fetched = job_process.run(["fetch", *scan_first(arguments, tmp_path)])
    assert fetched.status == 0, fetched.stderr
    scratch = Scratch(tmp_path / "scratch", 16575)
    for product, _ in list(scratch.products())[:5]:
        scratch.remove(product)
    archive.faults.share, archive.faults.kinds = 1.0, ("503",)
    more = ["--set=archive.attempts=2", "--set=archive.give_up_after=2"]
    ended = job_process.run([*arguments, *more], ranks=3)
    assert ended.status == 75, ended.stderr
    assert len(sector_files(tmp_path)) == 3
    assert ended.failures == []
    assert "the archive counts as down: TIC" in ended.stderr
    assert ended.summary.endswith("; 5 not finished, run it again")

    archive.faults.share = 0.0
    assert job_process.run(arguments, ranks=3).status == 0
    assert sector_files(tmp_path) == sorted(UNITS)


def test_an_archive_that_sends_web_pages_costs_no_light_curve_an_attempt(
    arguments, archive, tmp_path
):
    archive.faults.share, archive.faults.kinds = 1.0, ("web page",)
    ended = job_process.run([*arguments, "--set=archive.attempts=2"], ranks=2)
    assert ended.status == 75, ended.stderr
    assert ended.failures == []
    assert "the archive counts as down: TIC" in ended.stderr
    assert "not a FITS file: it begins with b'<!DOCTYPE html>" in ended.stderr
    assert set(states(tmp_path).values()) == {State.QUALIFIED}

    archive.faults.share = 0.0
    ended = job_process.run(arguments, ranks=2)
    assert ended.status == 0, ended.stderr
    assert sector_files(tmp_path) == sorted(UNITS)


def test_an_archive_that_never_answered_is_waited_for_and_ends_the_job_for_later(
    arguments, archive
):
    archive.listing_faults.always[0] = "503"
    ended = job_process.run([*arguments, "--set=archive.attempts=2"], ranks=2)
    assert ended.status == 75
    assert "waiting for the archive: http" in ended.stderr
    (complaint,) = ended.complaints
    assert "/listings/tesscurl_sector_1_lc.sh: status 503, 2 times" in complaint


def test_a_job_whose_scan_failed_does_what_is_known_and_is_not_complete(
    arguments, archive, tmp_path
):
    fetched = job_process.run(["fetch", *scan_first(arguments, tmp_path)])
    assert fetched.status == 0, fetched.stderr
    shutil.rmtree(tmp_path / "scratch" / "listings")  # scratch may be wiped at any time
    archive.listing_faults.always.update({0: "503", 1: "503", 2: "503"})
    ended = job_process.run([*arguments, "--set=archive.attempts=2"], ranks=2)
    assert ended.status == 75, ended.stderr
    assert sector_files(tmp_path) == sorted(UNITS)
    assert "what is new in the archive" in ended.stderr
    assert "the archive could not be scanned: " in ended.stderr

    archive.listing_faults.always.clear()
    assert job_process.run(arguments, ranks=2).status == 0


def scan_first(arguments, tmp_path):
    """Scan, with a job's settings; these, for another command."""
    settings = [a for a in arguments if str(a).startswith("--set=archive.")]
    settings += [f"--set=output.directory={tmp_path / 'output'}"]
    scanned = job_process.run(["scan", tmp_path / "targets.csv", *settings])
    assert scanned.status == 0, scanned.stderr
    return settings


def test_a_list_of_stars_is_a_batch_of_all_their_light_curves(arguments, tmp_path):
    (tmp_path / "batch.txt").write_text("3\n1\n")
    ended = job_process.run([*arguments, f"--set=input.targets={tmp_path / 'batch.txt'}"])
    assert ended.status == 0, ended.stderr
    assert sector_files(tmp_path) == ["1_1", "1_2", "3_1", "3_2"]
