"""Bad input: one clear line, a failed light curve or nothing begun, and no harm to the others."""

import gzip
import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from tests.edited_hdf5 import edited
from tests.main_job import FAST, bytes_of, copy_results, result_files, rewind, simulate
from tools.harness.hdf5_content import contents
from tools.harness.job_process import run

GOOD = f"{FIRST_TIC}_1.h5"


@pytest.fixture(scope="module")
def light_curves(tmp_path_factory):
    """FITS files to be spoiled."""
    return simulate(tmp_path_factory.mktemp("light-curves"), 6)


@pytest.fixture(scope="module")
def good(light_curves, tmp_path_factory):
    """A directory with one good light curve, and what a run makes of it."""
    directory = tmp_path_factory.mktemp("good")
    (directory / "input").mkdir()
    shutil.copy(light_curves[0], directory / "input")
    ended = run(["run", "--input", directory / "input", "--output", directory / "output", *FAST])
    assert ended.status == 0, ended.stderr
    return directory


@pytest.fixture
def arguments(good, tmp_path):
    return ["run", "--input", good / "input", "--output", tmp_path / "output", *FAST]


# ----------------------------------------------------------------- bad light curves


def truncated(source, target):
    """Its headers are whole, its table is not."""
    content = source.read_bytes()
    target.write_bytes(content[: int(0.6 * len(content))])


def truncated_early(source, target):
    target.write_bytes(source.read_bytes()[:2000])


def empty_table(source, target):
    with fits.open(source) as hdus:
        hdus[1] = fits.BinTableHDU(hdus[1].data[:0], hdus[1].header)
        hdus.writeto(target)


def all_nan(source, target):
    with fits.open(source) as hdus:
        hdus[1].data["PDCSAP_FLUX"] = np.nan
        hdus.writeto(target)


def cadences_150(source, target):
    with fits.open(source) as hdus:
        hdus[1] = fits.BinTableHDU(hdus[1].data[:150], hdus[1].header)
        hdus.writeto(target)


def no_fits(source, target):
    target.write_text("<html>503 Service Unavailable</html>\n")


def nothing(source, target):
    target.touch()


def half_gzipped(source, target):
    target.write_bytes(gzip.compress(source.read_bytes())[:40_000])


def with_card(extension, keyword, value):
    """A spoiler that changes a card of a header."""

    def spoil(source, target):
        with fits.open(source) as hdus:
            hdus[extension].header[keyword] = value
            hdus.writeto(target)

    spoil.__name__ = f"{keyword}_{value}".lower()
    return spoil


def no_errors(source, target):
    with fits.open(source) as hdus:
        hdus[1].data["PDCSAP_FLUX_ERR"] = 0
        hdus.writeto(target)


def background_over_subtracted(source, target):
    with fits.open(source) as hdus:
        flux = hdus[1].data["PDCSAP_FLUX"]
        flux -= np.nanmedian(flux) - 0.01
        hdus.writeto(target)


# What is done to the files, and what their lines say.
SPOILED = {
    truncated: "truncated or damaged",
    truncated_early: "",
    empty_table: "empty",
    all_nan: "0 usable cadences of 3,000, expected at least 1,000",
    cadences_150: "usable cadences of 150, expected at least 1,000",
    no_fits: "not a FITS file",
    nothing: "not a FITS file",
    half_gzipped: "",
    with_card(0, "TICID", True): "TICID = True",
    with_card(0, "TICID", -5): "TICID = -5",
    with_card(0, "TICID", 2**63): "TICID = 9223372036854775808",
    with_card(0, "SECTOR", True): "SECTOR = True",
    with_card(0, "SECTOR", 10_000): "SECTOR = 10000",
    with_card(1, "BJDREFI", "none"): "BJDREFI = 'none'",
    no_errors: "cadences with a flux error that is not positive",
    background_over_subtracted: "median flux is 0.0",
}


@pytest.fixture(scope="module", params=[None, 3], ids=["alone", "3 ranks"])
def spoiled_run(request, light_curves, tmp_path_factory):
    """A campaign of one good and many bad light curves."""
    directory = tmp_path_factory.mktemp("spoiled")
    (directory / "input").mkdir()
    shutil.copy(light_curves[0], directory / "input")
    (directory / "input" / "README.txt").write_text("no light curve, and nobody minds")
    for n, spoil in enumerate(SPOILED):
        ending = ".fits.gz" if spoil is half_gzipped else ".fits"
        spoil(light_curves[1 + n % 5], directory / "input" / f"{spoil.__name__}{ending}")
    _give_each_its_own_target(directory / "input")
    arguments = ["--input", directory / "input", "--output", directory / "output", *FAST]
    teams = ["--set", "ranks_per_team=2"]
    return run(["run", *arguments, *teams], ranks=request.param), directory


def _give_each_its_own_target(directory):
    """Write another TIC number into the headers of each file, byte by byte."""
    for n, path in enumerate(sorted(directory.glob("*.fits"))):
        content = path.read_bytes()
        for tic in range(FIRST_TIC + 1, FIRST_TIC + 6):
            content = content.replace(b"%20d" % tic, b"%20d" % (FIRST_TIC + 10 + n))
        path.write_bytes(content)


def test_the_exit_status_says_that_some_failed_and_nothing_shows_a_traceback(spoiled_run):
    ended, _ = spoiled_run
    assert ended.status == 1
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr
    assert f", {len(SPOILED)} failed, " in ended.summary
    assert ended.summary.startswith("1 light curve done in ")


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_bad_light_curve_is_one_line_with_its_file_and_what_is_wrong(spoiled_run, spoil):
    ended, directory = spoiled_run
    (file,) = directory.glob(f"input/{spoil.__name__}.fits*")
    (line,) = [line for line in ended.failures if file.name in line]
    assert SPOILED[spoil] in line


def test_there_are_as_many_lines_as_bad_light_curves_and_no_others(spoiled_run):
    ended, _ = spoiled_run
    assert len(ended.failures) == len(SPOILED)
    ours = ended.stderr.partition("\n-----")[0].splitlines()  # what mpirun adds has a frame
    assert [line for line in ours if not line.startswith("20")] == []
    progress = [line for line in ours if " light curves done, " in line]  # on a slow machine
    assert len(ours) == 1 + len(SPOILED) + 1 + len(progress)


def test_the_good_light_curve_is_finished_and_the_bad_ones_leave_nothing(spoiled_run, good):
    _, directory = spoiled_run
    assert contents(directory / "output") == contents(good / "output")
    assert [path.name for path in result_files(directory / "output")] == [GOOD]


def test_a_light_curve_with_several_files_is_done_once_and_the_others_are_named_once(
    light_curves, good, tmp_path
):
    """An interrupted download comes first by name, and a copy last."""
    inputs, output = tmp_path / "input", tmp_path / "output"
    (inputs / "a").mkdir(parents=True)
    (inputs / "z").mkdir()
    truncated(light_curves[0], inputs / "a" / light_curves[0].name)
    shutil.copy(light_curves[0], inputs)
    shutil.copy(light_curves[0], inputs / "z")
    for run_number in range(2):
        ended = run(["run", "--input", inputs, "--output", output, *FAST])
        assert (ended.status, ended.failures) == (0, [])
        assert ended.stderr.count("not used") == (2 if run_number == 0 else 0)
    assert contents(output) == contents(good / "output")


def test_where_the_best_file_turns_out_damaged_the_next_best_is_read(light_curves, good, tmp_path):
    """Its size is right, and it comes first by name; a part of it was never written."""
    inputs, output = tmp_path / "input", tmp_path / "output"
    (inputs / "a").mkdir(parents=True)
    shutil.copy(light_curves[0], inputs)
    content = light_curves[0].read_bytes()
    damaged = inputs / "a" / light_curves[0].name
    damaged.write_bytes(content[:200_000] + bytes(8_000) + content[208_000:])
    ended = run(["run", "--input", inputs, "--output", output, *FAST])
    assert (ended.status, ended.failures) == (0, [])
    assert f"{damaged}: truncated or damaged: the table differs from its DATASUM" in ended.stderr
    assert contents(output) == contents(good / "output")


def test_a_directory_of_bad_light_curves_alone_is_no_success(tmp_path):
    (tmp_path / "input").mkdir()
    no_fits(None, tmp_path / "input" / "x.fits")
    ended = run(["run", "--input", tmp_path / "input", "--output", tmp_path / "output"])
    assert ended.status == 1
    assert len(ended.failures) == 1


# ----------------------------------------------------------------- nothing is begun


def refused(ended, *expected, status=2):
    """One line, no traceback, and the exit status of a usage error."""
    assert "Traceback" not in ended.stderr, ended.stderr
    (line,) = ended.complaints
    for part in expected:
        assert str(part) in line
    assert ended.failures == []
    assert ended.status == status


def failed_alone(ended, *expected):
    """One light curve failed, in one line, and the others are done."""
    assert "Traceback" not in ended.stderr, ended.stderr
    (line,) = ended.failures
    for part in expected:
        assert str(part) in line
    assert ended.status == 1


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[inject\n", ["not valid TOML"]),
        ("[inject]\nn_injcet = 3\n", ["unknown key 'inject.n_injcet'"]),
        ("[inject]\nn_inject = 'many'\n", ["inject.n_inject = 'many'", "a whole number"]),
        ("ranks_per_team = 0\n", ["ranks_per_team = 0", "greater than or equal to 1"]),
    ],
    ids=["malformed", "unknown key", "wrong type", "impossible value"],
)
def test_a_bad_configuration_is_one_line(good, tmp_path, toml, expected):
    file = tmp_path / "my.toml"
    file.write_text(toml)
    arguments = ["--input", good / "input", "--output", tmp_path / "output"]
    refused(run(["run", file, *arguments]), file, *expected)
    assert not (tmp_path / "output").exists()


def test_over_mpi_it_is_still_one_line(tmp_path):
    refused(run(["nowhere.toml"], ranks=3, cwd=tmp_path), "nowhere.toml: no such configuration")


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_wrong_option_is_one_line(tmp_path, ranks):
    refused(run(["run", "--inptu", "x"], cwd=tmp_path, ranks=ranks), "--inptu")


def test_no_configuration_at_all_is_one_line_that_says_what_to_do(tmp_path):
    refused(run([], cwd=tmp_path), "cvzmpi.toml", "--input", "--output")


def test_a_missing_input_directory_is_one_line(tmp_path):
    nowhere = tmp_path / "nowhere"
    arguments = ["run", "--input", nowhere, "--output", tmp_path / "output"]
    refused(run(arguments), nowhere, "no such input directory")
    assert not (tmp_path / "output").exists()


def test_missing_models_are_one_line_that_says_what_to_do(arguments, tmp_path):
    nowhere = tmp_path / "models.npz"
    refused(run([*arguments, "--set", f"detector.file={nowhere}"]), nowhere, "cvzmpi models")
    assert not (tmp_path / "output").exists()


def test_models_with_a_wrong_checksum_are_one_line(arguments, models, tmp_path):
    file = tmp_path / "models.npz"
    weights = {name: values.copy() for name, values in models.weights.items()}
    weights["conv2_kernel"][0, 0, 0, 0] += 1e-3
    np.savez(file, **weights)
    refused(run([*arguments, "--set", f"detector.file={file}"]), file, "wrong checksum", "42cf34ef")
    assert not (tmp_path / "output").exists()


def test_half_a_file_of_models_is_one_line(arguments, models, tmp_path):
    file = tmp_path / "models.npz"
    np.savez(file, **models.weights)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    refused(run([*arguments, "--set", f"detector.file={file}"]), file, "cvzmpi models")


def test_a_list_of_targets_that_cannot_be_understood_is_one_line(arguments, tmp_path):
    targets = tmp_path / "targets.csv"
    targets.write_text("tic,sector\n1,one\n")
    refused(run([*arguments, "--set", f"input.targets={targets}"]), f"{targets}: line 2")


def test_another_hdf5_file_in_place_of_an_output_costs_one_light_curve_and_is_not_touched(
    good, arguments, tmp_path
):
    output = tmp_path / "output"
    copy_results(good / "output", output)
    path = LightCurveId(FIRST_TIC, 1).path(output)
    with h5py.File(path, "w") as file:
        file["mine"] = [1, 2, 3]
    before = bytes_of(output)
    failed_alone(run(arguments), path, "not a cvzmpi sector file")
    assert bytes_of(output) == before


def test_the_file_of_another_light_curve_in_place_of_an_output_is_not_taken_for_it(
    good, arguments, tmp_path
):
    output = tmp_path / "output"
    copy_results(good / "output", output)
    path = LightCurveId(FIRST_TIC, 1).path(output)
    with edited(path) as file:
        file.attrs.modify("sector", np.int64(9))
        file.attrs.modify(CHECKSUM, content_checksum(file))
    before = bytes_of(output)
    failed_alone(run(arguments), path, f"is of TIC {FIRST_TIC} sector 9, says its content")
    assert bytes_of(output) == before


def test_a_pipe_in_place_of_an_output_costs_one_light_curve_and_nobody_waits_for_it(
    arguments, tmp_path
):
    path = LightCurveId(FIRST_TIC, 1).path(tmp_path / "output")
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    failed_alone(run(arguments), path, "not a regular file")
    assert run(["index", tmp_path / "output"]).status == 1
    shown = run(["show", path])
    assert shown.status == 2
    assert shown.complaints == [f"cvzmpi: {path}: not a regular file"]


# ----------------------------------------------------------------- permissions


def unprivileged(directory):
    """Start a process so that it may not write where the permissions say so: root always may."""
    wrapper = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to change that")
        wrapper = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    command = [*wrapper, "test", "-w", str(directory)]
    if subprocess.run(command, check=False, capture_output=True).returncode == 0:
        pytest.skip(f"{directory} is writable whatever its permissions")
    return wrapper


@pytest.fixture
def locked(tmp_path):
    """Take the right to write away from a directory, until the test is over."""
    directories = []

    def lock(directory, mode=0o555):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
        directories.append(directory)
        return unprivileged(directory)

    yield lock
    for directory in directories:
        directory.chmod(0o755)


def test_an_output_directory_that_is_a_file_is_one_line_before_anything_is_computed(
    arguments, tmp_path
):
    (tmp_path / "output").write_text("a file")
    refused(run(arguments), tmp_path / "output")
    assert (tmp_path / "output").read_text() == "a file"


def test_an_output_directory_without_write_permission_is_one_line_before_anything_is_computed(
    arguments, tmp_path, locked
):
    wrapper = locked(tmp_path / "output")
    refused(run(arguments, wrapper=wrapper), tmp_path / "output")


def test_an_output_directory_that_cannot_be_made_is_one_line(good, tmp_path, locked):
    wrapper = locked(tmp_path / "parent")
    output = tmp_path / "parent" / "output"
    arguments = ["run", "--input", good / "input", "--output", output, *FAST]
    refused(run(arguments, wrapper=wrapper), output)


def test_an_output_directory_that_may_not_be_read_is_one_line(arguments, tmp_path, locked):
    wrapper = locked(tmp_path / "output", 0o000)
    refused(run(arguments, wrapper=wrapper), tmp_path / "output")


def test_an_input_directory_that_may_not_be_read_is_one_line(tmp_path, locked):
    wrapper = locked(tmp_path / "input", 0o000)
    arguments = ["run", "--input", tmp_path / "input", "--output", tmp_path / "output"]
    refused(run(arguments, wrapper=wrapper), tmp_path / "input")


def test_a_directory_below_that_may_not_be_read_is_named(light_curves, tmp_path, locked):
    closed = tmp_path / "input" / "closed"
    wrapper = locked(closed, 0o000)
    shutil.copy(light_curves[0], tmp_path / "input")
    arguments = ["run", "--input", tmp_path / "input", "--output", tmp_path / "output", *FAST]
    failed_alone(run(arguments, wrapper=wrapper), f"{closed}: cannot be read: Permission denied")


def test_a_light_curve_that_may_not_be_read_is_a_failed_one(light_curves, good, tmp_path, locked):
    inputs, output = tmp_path / "input", tmp_path / "output"
    inputs.mkdir()
    for source in light_curves[:2]:
        shutil.copy(source, inputs)
    unreadable = inputs / light_curves[1].name
    unreadable.chmod(0o000)
    wrapper = locked(tmp_path / "locked")
    ended = run(["run", "--input", inputs, "--output", output, *FAST], wrapper=wrapper)
    assert ended.status == 1
    (line,) = ended.failures
    assert str(unreadable) in line
    assert contents(output) == contents(good / "output")


def test_an_output_file_that_may_not_be_read_is_neither_damaged_nor_lost(
    good, arguments, tmp_path, locked
):
    output = tmp_path / "output"
    copy_results(good / "output", output)
    path = LightCurveId(FIRST_TIC, 1).path(output)
    before = path.read_bytes()
    path.chmod(0o000)
    wrapper = locked(tmp_path / "locked")
    failed_alone(run(arguments, wrapper=wrapper), path, "cannot be read: Permission denied")
    path.chmod(0o644)
    assert bytes_of(output) == {str(path.relative_to(output)): before}


def test_a_half_done_file_that_may_not_be_written_stays_as_it_is(good, tmp_path, locked):
    output = tmp_path / "output"
    copy_results(good / "output", output)
    path = LightCurveId(FIRST_TIC, 1).path(output)
    rewind(path, 80)
    before = path.read_bytes()
    path.chmod(0o444)
    wrapper = locked(tmp_path / "locked")
    arguments = ["run", "--input", good / "input", "--output", output, *FAST]
    ended = run(arguments, wrapper=wrapper)
    assert ended.status == 1
    (line,) = ended.failures
    assert f"{path}: cannot be opened" in line
    assert path.read_bytes() == before
