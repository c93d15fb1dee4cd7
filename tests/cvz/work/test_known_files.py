"""The files that a ledger knows are found again by path and size, and take little memory."""

import tracemalloc
from pathlib import Path

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import InputFile
from cvzmpi.cvz.work.known_files import KnownFiles, read_known
from cvzmpi.ledger import NewUnit

PRODUCTS = ("spoc-120", "spoc-20", "tess-spoc-600", "qlp-600")


def files_of(number):
    """The files of one target and sector, as facts have them."""
    date = f"2020-09-{1 + number % 28:02}"
    return [
        InputFile(
            Path(f"/scratch/campaign/inputs/s0027/tess-s0027-{number:016}-{product}_lc.fits"),
            2_039_040,
            LightCurveId(number, 27, product),
            2_039_040,
            ((5, 0, 10, 20200904), date, 37, 189),
            f"spoc-5.0.10-20200904 of {date}",
            1_600_000_000_123_456_789,
        )
        for product in PRODUCTS
    ]


def facts_of(files):
    alone = {"tic": files[0].id.tic, "file": str(files[0].path), "bytes": files[0].n_bytes}
    return alone | {"files": [file.as_fact() for file in files]}


@pytest.fixture
def add(ledger, job):
    def add(facts):
        ledger.add_units([NewUnit(name, facts=some) for name, some in facts.items()], job)

    return add


def test_what_is_known_of_a_file_is_found_by_path_and_size(ledger, add):
    files = files_of(7)
    only = {"tic": 8, "file": "/in/8.fits", "bytes": 2880, "mtime_ns": 5}
    add({"7_27": facts_of(files), "8_27": only, "9_27": {"tic": 9}, "bad.fits": {}})
    units, known = read_known(ledger)
    for file in files:
        assert known.get((str(file.path), file.n_bytes)) == file
        assert known.get((str(file.path), file.n_bytes + 1)) is None
    alone = InputFile(Path("/in/8.fits"), 2880, LightCurveId(8, 27), mtime_ns=5)
    assert known.get(("/in/8.fits", 2880)) == alone
    assert known.get(("/in/9.fits", 2880)) is None
    assert [unit.name for unit in units] == ledger.names() == ["7_27", "8_27", "9_27", "bad.fits"]
    assert units[1].facts == only
    assert KnownFiles().get(("/in/8.fits", 2880)) is None


def test_facts_with_impossible_numbers_are_left_out(ledger, add):
    fact = files_of(7)[0].as_fact()
    wrong = [fact | {"bytes": 10**30}, fact | {"processing": [[5], ["a"], 37, 189]}, "x", None]
    add({"7_27": {"file": "/in/7.fits", "bytes": 10**30, "files": wrong}})
    _, known = read_known(ledger)
    assert known.get((fact["file"], fact["bytes"])) is None


def test_the_files_of_a_unit_take_about_as_little_memory_as_the_unit(ledger, add):
    """Not a kilobyte each, of which a campaign with a million of them has no gigabyte to spare."""
    n_units = 1000
    add({f"{number}_27": facts_of(files_of(number)) for number in range(1, n_units + 1)})
    read_known(ledger)  # what is made at first use
    tracemalloc.start()
    known = read_known(ledger)
    n_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert known[1].get((str(files_of(1)[3].path), 2_039_040)) is not None
    assert n_bytes / n_units < 2000
