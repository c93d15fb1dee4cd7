"""`cvzmpi show`: the numbers are those in the file, and what is missing is said."""

import re

import h5py
import numpy as np
import pytest

from cvzmpi import read
from cvzmpi.cvz.results.show import show_file
from cvzmpi.cvz.results.show_flares import MAX_FLARES
from cvzmpi.cvz.results.show_table import show_table
from cvzmpi.errors import SectorFileError
from tests.cvz.example_file import GP_FACTS, write_example


@pytest.fixture
def shown(capsys):
    """What `show_file` prints of a file."""

    def show(path):
        show_file(path)
        return capsys.readouterr().out

    return show


def test_a_finished_file_is_told_from_top_to_bottom(tmp_path, shown):
    path = write_example(tmp_path / "1.h5")
    text = shown(path)
    with h5py.File(path) as file:
        significance, recovered = file["lc/significance"][()], file["recoveries/recovered"][()]
        evaluated = np.isfinite(significance).sum()
        amplitude = file["flares/amplitude"][()].max()
        config_hash = file.attrs["config_sha256"]
    duration = read(path).measured_flares["equivalent_duration"].max()
    assert "TIC 123456789, sector 7" in text
    assert "magnitude 9.87, temperature 3210 K, radius unknown\n" in text
    assert f"2,600 of 120 s; 2,570 usable, {evaluated:,} evaluated" in text
    time = read(path).search_time()
    assert re.search(
        rf"searched +{time.searched:.2f} d by significance; {time.evaluated:.2f} d", text
    )
    assert time.evaluated == pytest.approx(evaluated * 120 / 86400)
    assert re.search(r"state +done\n", text)
    assert "inject 1.20; together 2.32; 1.00 ms per repeat" in " ".join(text.split())
    assert "period_d       2.5 d" in text
    assert "jitter         1e-05 of the median flux" in text
    assert f"{recovered.mean():.1%} of 1,200" in text
    assert f"{duration:.2f}" in text
    assert f"{amplitude * 100:.3g}" in text
    assert config_hash in text
    assert "cvzmpi 0.1.0" in text
    assert "missing" not in text
    assert "so far" not in text


def test_the_grid_has_all_recoveries(tmp_path, shown):
    cells = re.findall(r"(\d+) \((\d+)\)", shown(write_example(tmp_path / "1.h5")))
    assert len(cells) == 25
    assert sum(int(n) for _, n in cells) == 1200


def test_flares_are_printed_by_equivalent_duration(tmp_path, shown):
    path = write_example(tmp_path / "1.h5")
    durations = read(path).measured_flares["equivalent_duration"]
    text = shown(path)
    first, second = (text.index(f" {ed:.2f} ") for ed in sorted(durations)[::-1])
    assert first < second


def test_of_many_flares_the_rest_is_counted(tmp_path, shown):
    peaks = tuple(range(150, 1050, 45)) + tuple(range(1350, 2450, 45))
    text = shown(write_example(tmp_path / "1.h5", flares=peaks))
    n_flares = int(re.search(r"(\d+) found", text)[1])
    assert n_flares > MAX_FLARES
    assert f"and {n_flares - MAX_FLARES} more" in text
    assert len(re.findall(r"\d+-\d+ ", text)) == MAX_FLARES


def test_nothing_is_wider_than_100_columns_down_a_pipe(tmp_path, shown, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    path = write_example(tmp_path / "1.h5")
    lines = shown(path).splitlines()
    assert max(len(line) for line in lines if str(path) not in line) <= 100
    assert "\x1b" not in "".join(lines)
    assert sum(str(path) in line for line in lines) == 1  # never broken


def test_a_file_before_the_model_says_what_is_missing(tmp_path, shown):
    text = shown(write_example(tmp_path / "1.h5", model=False))
    assert "checkpoint detect; missing: Gaussian process, table of flares, injections" in text
    assert "2 found; not measured yet" in text
    assert "not drawn yet" in text
    assert "detect 0.80; together 0.82" in text


@pytest.mark.parametrize("n_done", [0, 80])
def test_a_file_with_injections_to_do_says_how_many(tmp_path, shown, n_done):
    text = shown(write_example(tmp_path / "1.h5", n_done=n_done))
    assert f"{300 - n_done} of 300 injections remain" in text
    if n_done:
        assert "80 of 300 flares at 4 places each" in text
        assert "of 320 so far" in text
    else:
        assert "missing: none of 300 is done yet" in text


def test_no_flare_is_no_error(tmp_path, shown):
    assert "none found" in shown(write_example(tmp_path / "1.h5", flares=()))


def test_a_fit_that_failed_or_hit_a_bound_is_noticed(tmp_path, shown):
    facts = GP_FACTS | {"gp_converged": False, "gp_period_d": 0.1}
    text = shown(write_example(tmp_path / "1.h5", facts=facts))
    assert "NOT CONVERGED" in text
    assert "0.1 d  (at the bound model.min_period)" in text


@pytest.mark.parametrize("content", [None, b"no HDF5"])
def test_a_bad_file_is_an_error(tmp_path, content):
    path = tmp_path / "1.h5"
    if content:
        path.write_bytes(content)
    with pytest.raises(SectorFileError, match=str(path)):
        show_file(path)


def test_a_table_has_a_row_for_each_file_whatever_its_state(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    done = write_example(tmp_path / "a" / "done.h5")
    begun = write_example(tmp_path / "a" / "begun.h5", n_done=80)
    new = write_example(tmp_path / "b" / "new.h5", model=False, flares=())
    broken = tmp_path / "b" / "broken[1].h5"
    broken.write_bytes(b"no HDF5")
    show_table([done, begun, new, broken, tmp_path / "absent.h5"])
    text = capsys.readouterr().out
    rows = {line.split()[-1]: line for line in text.splitlines() if line.rstrip().endswith(".h5")}
    with h5py.File(done) as file:
        found = file["recoveries/recovered"][()].mean()
    file = read(done)
    duration = file.measured_flares["equivalent_duration"].max()
    assert re.search(
        rf"123456789 +7 +spoc-120 +{file.search_time().searched:.2f} +2 +{duration:.1f} +- +300 "
        rf"+{found * 100:.1f} ",
        rows["a/done.h5"],
    )
    assert "80 of 300" in rows["a/begun.h5"]
    assert re.search(
        r"123456789 +7 +spoc-120 +[0-9.]+ +0 +- +- +none yet +- +- +0.8 ", rows["b/new.h5"]
    )
    assert f"files in {tmp_path}\n" in text
    assert "Not readable: 2\n" in text
    assert f"  {broken}: not an HDF5 file" in text
    assert f"  {tmp_path / 'absent.h5'}: no such sector file" in text


def test_a_table_of_nothing_readable_says_only_that(tmp_path, capsys):
    show_table([tmp_path / "1.h5", tmp_path / "2.h5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Not readable: 2"
    assert len(lines) == 3


def test_the_marks_are_told_with_what_they_are_given_for(tmp_path, shown):
    text = shown(write_example(tmp_path / "1.h5", header={"CROWDSAP": 0.049, "FLFRCSAP": 0.81}))
    words = " ".join(text.split())
    assert "share of its light 4.9% (CROWDSAP), of the star's light in it 81.0% (FLFRCSAP)" in words
    assert "crowded Most of the light in the aperture is that of other stars. Here: 4.9%" in words


def test_a_file_of_a_version_that_kept_no_shares_says_unknown(tmp_path, shown):
    words = " ".join(shown(write_example(tmp_path / "1.h5", model=False)).split())
    assert "share of its light unknown" in words
    assert "Quality marks none of those that are known so far" in words


def test_flares_at_an_edge_are_told(tmp_path, shown):
    def lose_what_follows(data):
        data.significance[data.flares["stop"][0] + 1] = np.nan

    text = shown(write_example(tmp_path / "1.h5", change=lose_what_follows))
    assert len(re.findall(r" edge *$", text, re.MULTILINE)) == 1
    assert "edge: touches a gap" in text


def test_the_table_has_the_marks_and_says_whether_all_were_read(tmp_path, capsys):
    marked = write_example(tmp_path / "a.h5", header={"CROWDSAP": 0.049})
    assert show_table([marked, write_example(tmp_path / "b.h5")])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.rstrip().endswith(".h5")]
    assert ["crowded" in row for row in rows] == [True, False]
    assert not show_table([marked, tmp_path / "absent.h5"])


def searches_in(text):
    """The numbers in the table of searches, by search."""
    rows = re.findall(r"^ *(stella|significance|either|both)(?:, chosen)? +(.*)$", text, re.M)
    return {name: [float(cell) for cell in cells.split()] for name, cells in rows}


def test_the_searches_are_side_by_side_with_what_they_find_in_mirror_images(tmp_path, shown):
    def change(data):
        data.flares["found_by"][:] = 1, 3
        data.noise_raised[1] = 1.79
        data.significance[2340:] = np.nan

    path = write_example(tmp_path / "1.h5", change=change)
    text = shown(path)
    found = {"stella": (2, 1, 0), "significance": (1, 0, 1), "either": (2, 1, 1), "both": (1, 0, 0)}
    assert searches_in(text) == {
        search: [n, round(read(path, search).search_time().searched, 2), *in_images]
        for search, (n, *in_images) in found.items()
    }
    assert "significance, chosen" in text
    assert re.search(r"noise +raised by up to 1.79\n", text)
    assert re.search(rf"left out +{260 / 2570:.1%} of the usable cadences", text)
    assert re.search(r"noise +not raised\n", shown(write_example(tmp_path / "2.h5")))


@pytest.mark.parametrize("how", [{"version": 1}, {"model": False}])
def test_stella_alone_is_not_compared(tmp_path, shown, how):
    assert searches_in(shown(write_example(tmp_path / "1.h5", **how))) == {}
