"""What `make bench-costs` says of a campaign is arithmetic on its figures, and these are found."""

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.cvz.configuration import InjectConfig
from cvzmpi.cvz.injection.injection import Injections
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.cvz.example_file import write_example
from tools.bench.campaign_costs import (
    file_calls,
    file_work,
    ledger_rate,
    limits,
    page,
    published,
    rank_start,
)
from tools.bench.measuring.timing import number
from tools.harness.job_process import ROOT

# round figures, so that every hour below can be had in one's head
COSTS = limits.Costs(
    core_seconds=7.0,
    synchronisations=10,
    synchronisation_seconds=0.1,
    file_requests=100,
    file_bytes=4e6,
    start_seconds=2.0,
    start_requests=3000,
    ranks_per_node=40,
    names_per_second=10_000,
    bytes_per_second=1e9,
    run_seconds=4 * 3600,
    lost_seconds=0.0,
    archive_requests_per_second=10,
    archive_connections=4,
    archive_file_seconds=0.2,
    ledger_units_per_second=1000,
    index_seconds=1e-3,
    report_seconds=3e-3,
)


def hours(costs, n_light_curves, cores):
    return {part.name: part.hours for part in limits.parts(costs, n_light_curves, cores)}


def test_each_part_takes_what_its_light_curves_take_alone():
    found = hours(COSTS, 36_000, 80)
    assert found == pytest.approx(
        {
            "search and injections": 36_000 * 8 / 80 / 3600 / (1 - 2 / 14_400),
            "archive": 1.0,
            "file system": 0.1,
            "ledger": 0.01,
            "index and report": 0.04,
        }
    )


def test_more_cores_shorten_the_search_and_nothing_else():
    few, many = hours(COSTS, 36_000, 40), hours(COSTS, 36_000, 400)
    assert many.pop("search and injections") == pytest.approx(
        few.pop("search and injections") / 10, rel=1e-3
    )
    assert many == few


def test_the_archive_is_as_slow_as_the_tighter_of_its_two_limits():
    assert limits.archive_rate(COSTS) == 10
    assert limits.archive_rate(replace(COSTS, archive_file_seconds=1.0)) == 4


@pytest.mark.parametrize("part", ["archive", "file system", "ledger", "index and report"])
def test_below_its_number_of_cores_the_search_takes_longer_than_a_part_and_above_it_less(part):
    costs = replace(COSTS, start_seconds=0.0, start_requests=0)  # no restarts, as it says
    edge = round(limits.cores_until(costs, part))
    for cores, first in ((edge - edge // 10, "search and injections"), (edge + edge // 10, part)):
        found = hours(costs, 36_000, cores)
        assert max(("search and injections", part), key=found.__getitem__) == first


def test_the_longest_part_is_the_one_that_the_others_wait_for():
    assert limits.longest(limits.parts(COSTS, 1000, 40)).name == "search and injections"
    assert limits.longest(limits.parts(COSTS, 1000, 400)).name == "archive"


def test_ranks_of_many_nodes_wait_for_the_server_of_names():
    assert limits.start_wall_seconds(COSTS, 40) == 2.0
    assert limits.start_wall_seconds(COSTS, 4000) == 100 * 3000 / 10_000
    assert limits.start_wall_seconds(COSTS, 41) == 2.0  # two nodes


def test_a_start_that_takes_longer_than_the_queue_gives_is_a_campaign_that_never_ends():
    slow = replace(COSTS, start_requests=1e6, names_per_second=100)
    assert hours(slow, 1000, 4000)["search and injections"] == float("inf")


def test_the_pages_of_the_other_benchmarks_have_the_figures():
    figures = published.read(ROOT / "docs")
    assert 0.5 < figures.core_seconds < 20
    assert 1e-4 < figures.index_seconds < 0.1
    assert 1e-4 < figures.report_seconds < 0.1
    assert 500 < figures.ledger_units_per_second < 100_000


def test_the_index_costs_what_files_of_full_size_take_and_not_small_ones(tmp_path):
    for name in ("benchmark", "benchmark_report", "benchmark_ledger"):
        (tmp_path / f"{name}.md").write_text((ROOT / "docs" / f"{name}.md").read_text())
    (tmp_path / "benchmark_index.md").write_text(
        "| first time | 1 | 20,000 of 20,000 | 20.0 s | 19.0 s | 1,000 | 1,053 | 341 MB |\n"
        "| first time, full size (1.0 MB a file) | 1 | 500 of 500 | 2.5 s | 1.8 s | 200 | 278 |\n"
        "- 200,000 small files would take 3.3 minutes on one rank the first time\n"
    )
    assert published.read(tmp_path).index_seconds == pytest.approx(2.5 / 500)


def test_the_written_page_has_the_index_and_report_of_the_pages_that_it_names():
    figures = published.read(ROOT / "docs")
    costs = replace(
        COSTS, index_seconds=figures.index_seconds, report_seconds=figures.report_seconds
    )
    part = hours(costs, 200_000, 40)["index and report"]
    text = (ROOT / "docs" / "benchmark_costs.md").read_text()
    assert text.count(f"| index and report | {number(part)} |") == 2


def test_a_page_without_its_figure_is_named(tmp_path):
    (tmp_path / "benchmark.md").write_text("nothing was measured\n")
    with pytest.raises(ValueError, match=r"benchmark\.md: says nowhere"):
        published.read(tmp_path)


def test_what_strace_says_is_counted_by_the_file_that_is_asked_for():
    calls = file_calls.read(
        [
            '7 openat(AT_FDCWD, "/s/python3.11/site-packages/numpy/a.pyc", O_RDONLY) = 3',
            '7 newfstatat(AT_FDCWD, "/s/python3.11/site-packages/numpy", {st_mode=1}, 0) = 0',
            '7 newfstatat(AT_FDCWD, "/s/python3.11/site-packages/numpy", {st_mode=1}, 0) = 0',
            '7 openat(AT_FDCWD, "/s/python3.11/json/b.so.2", O_RDONLY) = -1 ENOENT (No such file)',
            '7 openat(AT_FDCWD, "/proc/self/stat", O_RDONLY) = 3',
            "7 +++ exited with 0 +++",
        ]
    )
    assert (calls.n_calls, len(calls.times), calls.n_absent, len(calls.opened)) == (4, 3, 1, 1)
    assert calls.by_package() == {"numpy": 1}
    assert calls.compiled() == 0


def test_a_light_curve_waits_for_the_disk_as_often_as_is_said(tmp_path, monkeypatch):
    """Two whole files, each with its directory; rows and count of each checkpoint after them."""
    (path,) = simulate_campaign(tmp_path, 1, seed=1, n_cadences=3000)
    content = SectorContent.read(write_example(tmp_path / "0_1.h5"))
    waits = []
    monkeypatch.setattr(os, "fsync", waits.append)
    file_work.do_files(path, content, tmp_path / "0" / "0_1.h5", file_work.commits(8.2))
    assert file_work.commits(8.2) == 2
    assert len(waits) == file_work.synchronisations(8.2) == 8
    assert file_work.commits(4.0) == 1


def test_a_sector_file_grows_by_the_bytes_of_its_injections(tmp_path):
    """But for a few kB, to which HDF5 rounds its own."""
    content = SectorContent.read(write_example(tmp_path / "0_1.h5"))
    data, path = content.data, tmp_path / "0" / "0_1.h5"
    sizes = []
    for n in (file_work.N_INJECTED, InjectConfig().n_inject):
        shapes = {"amplitude": n, "fwhm": n, "cadence": (n, 10), "time": (n, 10)}
        drawn = {name: np.resize(vars(data.injections)[name], shapes[name]) for name in shapes}
        durations = np.resize(data.equivalent_duration, n)
        changed = replace(data, injections=Injections(**drawn), equivalent_duration=durations)
        write_sector_file(path, changed, content.provenance)
        sizes.append(path.stat().st_size)
    assert sizes[1] - sizes[0] == pytest.approx(file_work.bytes_left_out(), abs=4096)


def test_the_page_names_the_longest_part_with_and_without_the_archive():
    calls = file_calls.FileCalls(Counter({"/campaign": 5, "/lib/a.py": 1}), 0, frozenset())
    rank = rank_start.RankStart(45, 300_000_000, calls, 5, 0, 1.0, {0: 1.0, 1000: 2.0})
    files = file_work.FileWork(100, 8, 4_000_000, 0.05, 0.01, 9.0, 10.0)
    rate = ledger_rate.Rate("SQLite", 1, 990.0, 0.1, 0.0, 0.2, 0)
    half = replace(COSTS, core_seconds=3.5)
    text = page.text(COSTS, half, rank, files, [rate], load=1.0, load_end=2.0)
    search, archive, disk = ("search and injections", "archive", "file system")
    assert f"| **longest** | **{search}** | **{archive}** | **{archive}** |" in text
    without = "**longest, with the files there before**"
    assert f"| {without} | **{search}** | **{search}** | **{disk}** |" in text
    assert "has 40 injected flares; one with the default 2,000 has 0.33 MB more" in text
    assert f"with 4,000 cores {disk}: 33 minutes" in text
    assert "longest part from 80 cores on, and from 45 where a light curve takes half" in text
