"""The main job end to end: real processes, over MPI, stopped and started again."""

import shutil
import time
from pathlib import Path

import h5py
import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.errors import DamagedFileError
from tests.main_job import (
    DIE,
    FAST,
    before_work_on,
    bytes_of,
    copy_results,
    result_files,
    rewind,
    simulate,
)
from tools.harness.hdf5_content import contents
from tools.harness.job_process import kill, kill_when, run, start

N_STARS, N_INJECT = 3, 200


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    simulate(directory, N_STARS)
    return directory


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    """The whole campaign in a single process, which all else is compared with."""
    output = tmp_path_factory.mktemp("alone") / "output"
    ended = run(["run", "--input", inputs, "--output", output, *FAST])
    assert ended.status == 0, ended.stderr
    return output, ended


@pytest.fixture(scope="module")
def expected(alone):
    return contents(alone[0])


@pytest.fixture
def output(alone, tmp_path):
    """A copy of the finished outputs, to be changed."""
    copy = tmp_path / "output"
    copy_results(alone[0], copy)
    return copy


def file_of(output, star):
    return LightCurveId(FIRST_TIC + star, 1).path(output)


def states(output):
    """How many flares remain to be injected, by star; None before checkpoint 2, or without a file.

    Every file that is there opens, also after a kill.
    """
    found = {}
    for star in range(N_STARS):
        progress = read_progress(file_of(output, star))
        begun = progress is not None and progress.checkpoint == "model"
        found[star] = progress.n_inject_remaining if begun else None
    return found


# ----------------------------------------------------------------- how it is computed


def test_a_single_process_does_everything(alone):
    output, ended = alone
    assert states(output) == dict.fromkeys(range(N_STARS), 0)
    assert ended.plan == "3 light curves: 0 done before, 0 half done, 3 to begin"
    assert ended.lines_with(" to begin; 1 rank")
    assert ended.summary.startswith("3 light curves done in ")
    assert ended.summary.endswith(f", 0 failed, {N_STARS * N_INJECT * 3:,} injections")
    assert ended.complaints == []
    assert [path.name for path in result_files(output)] == [
        f"{FIRST_TIC + star}_1.h5" for star in range(N_STARS)
    ], "nothing else is left"


@pytest.mark.parametrize(
    ("ranks", "ranks_per_team"), [(3, 1), (3, 2), (5, 4)], ids=["3x1", "3x2", "5x4"]
)
def test_results_do_not_depend_on_ranks_and_teams(
    inputs, expected, tmp_path, ranks, ranks_per_team
):
    output = tmp_path / "output"
    teams = ["--set", f"ranks_per_team={ranks_per_team}"]
    ended = run(["run", "--input", inputs, "--output", output, *FAST, *teams], ranks=ranks)
    assert ended.status == 0, ended.stderr
    assert contents(output) == expected
    assert len(ended.lines_with(" to begin")) == 1, "one rank speaks"
    assert ended.summary.endswith(f", 0 failed, {N_STARS * N_INJECT * 3:,} injections")


def test_another_seed_gives_other_injections(inputs, expected, tmp_path):
    """And so the comparisons above compare something."""
    (tmp_path / "input").mkdir()
    fits = sorted(inputs.glob("*.fits"))[0]
    shutil.copy(fits, tmp_path / "input")
    arguments = ["run", "--input", tmp_path / "input", "--output", tmp_path / "output", *FAST]
    assert run([*arguments, "--set", "seed=8"]).status == 0
    ((name, other),) = contents(tmp_path / "output").items()
    same = {key for key in other if other[key] == expected[name][key]}
    assert {"lc/flare_probability", "lc/gp_mu", "flares/peak"} <= same
    assert {"injections/amplitude", "injections/cadence", "recoveries/recovered"}.isdisjoint(same)


# ----------------------------------------------------------------- again


def test_a_second_run_finds_nothing_to_do_and_touches_nothing(inputs, output):
    before = bytes_of(output)
    times = {path: path.stat().st_mtime_ns for path in result_files(output)}
    ended = run(["run", "--input", inputs, "--output", output, *FAST])
    assert ended.status == 0
    assert ended.plan == "3 light curves: 3 done before, 0 half done, 0 to begin"
    assert ended.summary.startswith("0 light curves done in ")
    assert bytes_of(output) == before
    assert {path: path.stat().st_mtime_ns for path in result_files(output)} == times


def test_a_run_goes_on_from_every_state_at_once_over_mpi(inputs, output, expected):
    """Also with another number of ranks, another team, another interval than before."""
    rewind(file_of(output, 0), 120)
    rewind(file_of(output, 1), None)
    file_of(output, 2).unlink()
    settings = [*FAST, "--set", "ranks_per_team=2", "--set", "checkpoint.interval=0.01"]
    ended = run(["run", "--input", inputs, "--output", output, *settings], ranks=3)
    assert ended.status == 0, ended.stderr
    assert ended.plan == "3 light curves: 0 done before, 2 half done, 1 to begin"
    assert ended.summary.endswith(f", {(120 + 2 * N_INJECT) * 3:,} injections")
    assert contents(output) == expected


def test_half_done_light_curves_are_finished_without_their_fits_files(output, expected, tmp_path):
    rewind(file_of(output, 0), 40)
    rewind(file_of(output, 1), None)
    (tmp_path / "empty").mkdir()
    ended = run(["run", "--input", tmp_path / "empty", "--output", output, *FAST])
    assert ended.status == 0, ended.stderr
    assert ended.plan == "3 light curves: 1 done before, 2 half done, 0 to begin"
    assert contents(output) == expected


def test_a_job_that_is_killed_again_and_again_comes_to_the_same_result(inputs, expected, tmp_path):
    """SIGKILL to mpirun and all ranks, as soon as there is something to be lost."""
    output = tmp_path / "output"
    arguments = ["run", "--input", inputs, "--output", output, *FAST]
    arguments += ["--set", "ranks_per_team=2", "--set", "checkpoint.interval=1e-6"]

    def remaining():
        """Flares that remain in all; what cannot be opened while it is written counts as before."""
        try:
            return sum(N_INJECT if n is None else n for n in states(output).values())
        except DamagedFileError:
            return last

    kills = [
        lambda: file_of(output, 0).parent.exists(),
        lambda: any(file_of(output, star).exists() for star in range(N_STARS)),
        lambda: remaining() < last,
        lambda: remaining() < last - N_INJECT,
    ]
    for reached in kills:
        last = sum(N_INJECT if n is None else n for n in states(output).values())
        kill_when(start(arguments, ranks=3), reached)
        # whatever there is opens, holds a state that a whole run passes through ...
        now = states(output)
        for star, n_remaining in now.items():
            if n_remaining is not None:
                with h5py.File(file_of(output, star)) as file:
                    rows = file["recoveries/recovered"][: N_INJECT - n_remaining]
                name = file_of(output, star).name
                assert expected[name]["recoveries/recovered"][2].startswith(rows.tobytes())
        # ... and nothing that was counted is lost
        assert sum(N_INJECT if n is None else n for n in now.values()) <= last
    assert 0 < remaining() < N_STARS * N_INJECT, "killed in the middle of it"
    ended = run(arguments, ranks=3)
    assert ended.status == 0, ended.stderr
    assert contents(output) == expected
    assert not list(output.rglob("*.damaged*"))
    assert not list(output.rglob("*.new"))


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_light_curve_that_kills_its_job_each_time_is_given_up_and_the_others_are_done(
    inputs, expected, tmp_path, ranks
):
    poisoned = f"{FIRST_TIC + 1}_1"
    output = tmp_path / "output"
    arguments = ["run", "--input", inputs, "--output", output, *FAST, "--set", "job.max_attempts=2"]
    # With several teams it dies when another light curve got further, which is not to be blamed.
    others = f"__import__('pathlib').Path({str(output)!r}).glob('*/*.h5')"
    wait = f"while {ranks} and not list({others}): time.sleep(0.1)\n        {DIE}"
    poison = {"program": before_work_on([poisoned], wait, CvzCampaign), "ranks": ranks}
    for _ in range(2):
        assert run(arguments, **poison).status not in (0, 1, 2, 75)
    ended = run(arguments, **poison)
    assert ended.status == 1, ended.stderr
    (failure,) = ended.failures
    assert failure.startswith(f"failed {poisoned}: 2 jobs died while they worked on it and it got")
    assert contents(output) == {k: v for k, v in expected.items() if not k.startswith(poisoned)}
    assert run(arguments, **poison).status == 1, "not again"
    retry = run(["retry", poisoned, "--output", output])
    assert retry.stdout == "1 of 1 failed unit will be tried again\n"
    assert run(arguments).status == 0, "without the poison"
    assert contents(output) == expected


# ----------------------------------------------------------------- the ledger of a job


def test_a_done_light_curve_is_not_opened_again(inputs, output, expected):
    """The first job without a ledger looks into every file; the ledger knows from then on."""
    arguments = ["run", "--input", inputs, "--output", output, *FAST]
    assert run(arguments).status == 0
    opened = file_of(output, 2)
    opened.write_bytes(b"nobody looks at this")
    ended = run(arguments)
    assert ended.status == 0
    assert ended.plan == "3 light curves: 3 done before, 0 half done, 0 to begin"
    found = run(["verify", "--output", output])
    assert found.status == 0
    assert "1 differs, 1 of them repaired" in found.stdout
    assert run(arguments).status == 0
    assert contents(output) == expected


def test_a_job_does_not_begin_without_its_database(inputs, tmp_path):
    url = f"ledger.url=postgresql://user@/db?host={tmp_path}"
    arguments = ["run", "--input", inputs, "--output", tmp_path / "o", *FAST, "--set", url]
    ended = run([*arguments, "--set", "ledger.patience=1"])
    assert ended.status == 75
    waits, ends = ended.complaints
    assert "waits for the ledger" in waits
    assert str(tmp_path) in ends
    assert "Traceback" not in ended.stderr


def test_the_log_of_a_job_names_the_ranks(inputs, tmp_path):
    output = tmp_path / "output"
    assert run(["run", "--input", inputs, "--output", output, *FAST], ranks=3).status == 0
    (log,) = (output / "logs").iterdir()
    lines = log.read_text().splitlines()
    for star in range(N_STARS):
        done = [line for line in lines if f"{FIRST_TIC + star}_1 is done" in line]
        assert len(done) == 1
        assert any(f"[rank {rank} on " in done[0] for rank in (1, 2))


# ----------------------------------------------------------------- what is refused


def test_a_changed_configuration_is_refused_with_the_difference(inputs, output):
    rewind(file_of(output, 1), 80)
    before = bytes_of(output)
    arguments = ["run", "--input", inputs, "--output", output, *FAST]
    ended = run([*arguments, "--set", "seed=8", "--set", "detect.threshold=0.4"])
    assert ended.status == 2
    (line,) = ended.complaints
    assert "detect.threshold: 0.5 -> 0.4; seed: 7 -> 8" in line
    assert "Traceback" not in ended.stderr
    assert bytes_of(output) == before


def test_a_changed_team_and_interval_are_none_of_its_business(inputs, output, expected):
    rewind(file_of(output, 1), 80)
    other = ["--set", "ranks_per_team=3", "--set", "checkpoint.interval=77"]
    ended = run(["run", "--input", inputs, "--output", output, *FAST, *other])
    assert ended.status == 0, ended.stderr
    assert contents(output) == expected


def test_a_damaged_output_is_kept_and_its_light_curve_done_anew_with_a_note(
    inputs, output, expected
):
    damaged = file_of(output, 1).read_bytes()[:70_000]
    file_of(output, 1).write_bytes(damaged)
    other = file_of(output, 0).stat().st_mtime_ns
    ended = run(["run", "--input", inputs, "--output", output, *FAST])
    assert ended.status == 0, ended.stderr
    assert ended.plan == "3 light curves: 2 done before, 0 half done, 1 to begin"
    kept = file_of(output, 1).with_name(f"{file_of(output, 1).name}.damaged")
    assert kept.read_bytes() == damaged
    (note,) = ended.lines_with(kept.name)
    assert str(file_of(output, 1)) in note
    assert contents(output) == expected
    assert file_of(output, 0).stat().st_mtime_ns == other


# ----------------------------------------------------------------- how it is started


def test_without_arguments_it_takes_the_configuration_of_the_working_directory(
    inputs, expected, tmp_path
):
    shutil.copytree(inputs, tmp_path / "fits")
    (tmp_path / "targets.csv").write_text(f"tic,sector\n{FIRST_TIC + 1},1\n{FIRST_TIC},5\n")
    (tmp_path / "cvzmpi.toml").write_text(
        "seed = 7\n"
        '[input]\ndirectory = "fits"\ntargets = "targets.csv"\n'
        '[output]\ndirectory = "results"\n'
        "[inject]\nn_inject = 200\nn_repeat = 3\n"
    )
    ended = run([], cwd=tmp_path)
    assert ended.status == 1, "done, but one target has no light curve"
    name = f"{FIRST_TIC + 1}_1.h5"
    assert contents(tmp_path / "results") == {name: expected[name]}
    (failure,) = ended.failures
    assert failure.startswith(f"failed {FIRST_TIC}_5: ")
    assert f"no light curve of star {FIRST_TIC}, sector 5" in failure


def test_a_world_that_the_launcher_did_not_make_is_refused(inputs, tmp_path):
    """As with a wrong `srun --mpi`: three worlds of one rank would all do the same."""
    output = tmp_path / "output"
    arguments = ["run", "--input", inputs, "--output", output]
    ended = run(arguments, OMPI_COMM_WORLD_SIZE="3")
    assert ended.status == 2
    (line,) = ended.complaints
    assert "OMPI_COMM_WORLD_SIZE is 3" in line
    assert "Traceback" not in ended.stderr
    assert not output.exists()


def test_the_helper_of_these_tests_kills_all_ranks():
    # each line in one piece: both ranks write
    sleep = "import os, time; os.write(1, b'%d\\n' % os.getpid()); time.sleep(100)"
    process = start([], ranks=2, program=["-c", sleep])
    pids = [int(process.stdout.readline()) for _ in range(2)]
    assert all(is_alive(pid) for pid in pids)
    kill(process)
    assert process.returncode != 0
    give_up = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < give_up


def is_alive(pid):
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# ----------------------------------------------------------------- real light curves


def test_real_light_curves_are_the_same_over_1_3_and_5_ranks(shared_data, tmp_path):
    few = ["--set", "inject.n_inject=40", "--set", "inject.n_repeat=2"]
    n_real = len(list((shared_data / "tess").glob("*.fits")))
    assert n_real >= 10
    results = []
    for ranks, ranks_per_team in ((None, 1), (3, 1), (5, 2)):
        output = tmp_path / f"output-{ranks}"
        arguments = ["run", "--input", shared_data / "tess", "--output", output, *few]
        arguments += ["--set", f"ranks_per_team={ranks_per_team}"]
        ended = run(arguments, ranks=ranks, timeout=400)
        assert ended.status == 0, ended.stderr
        assert ended.summary.startswith(f"{n_real} light curves done in ")
        results.append(contents(output))
    assert len(results[0]) == n_real
    assert results[1] == results[0]
    assert results[2] == results[0]
