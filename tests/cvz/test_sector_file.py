"""The sector file: what is in it, that it survives, and what is done with a damaged one."""

import json
import os
import resource
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.cvz import sector_file
from cvzmpi.cvz.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.injection import Injections
from cvzmpi.cvz.light_curve import LightCurve
from cvzmpi.cvz.sector_file import (
    Provenance,
    RecoveryWriter,
    SectorData,
    read,
    read_progress,
    sector_files,
    sector_path,
    set_aside,
    write,
)
from cvzmpi.errors import DamagedFileError, SectorFileError

N, N_INJECT, N_REPEAT = 300, 90, 4
PROVENANCE = Provenance(
    config_json='{"inject.n_inject": 90, "seed": 5}',
    config_hash="c0ffee",
    seed=5,
    models_checksum="42cf",
    software={"numpy": "2.0", "cvzmpi": "0.1.0"},
)
HEADER = {"TESSMAG": 9.25, "OBJECT": "TIC 261136679", "CAMERA": 4, "input_sha256": "ab" * 32}

# The table of DESIGN.md, section 3: type, shape of each dataset.
LC = {
    "time": "f8",
    "flux": "f4",
    "flux_err": "f4",
    "quality": "i4",
    "flare_probability": "f4",
    "flare_mask": "bool",
    "gp_mu": "f4",
    "gp_sigma": "f4",
}
INJECTIONS = {
    "amplitude": ("f8", (N_INJECT,)),
    "fwhm": ("f8", (N_INJECT,)),
    "equivalent_duration": ("f8", (N_INJECT,)),
    "cadence": ("i4", (N_INJECT, N_REPEAT)),
    "time": ("f8", (N_INJECT, N_REPEAT)),
}


@pytest.fixture
def light_curve():
    rng = np.random.default_rng(1)
    time = 1325.3 + np.arange(N) / 720
    flux = rng.normal(1000, 1, N).astype(np.float32)
    time[7], flux[5:9] = np.nan, np.nan
    return LightCurve(
        tic=261136679,
        sector=1,
        time=time,
        flux=flux,
        flux_err=np.full(N, 1.5, np.float32),
        quality=rng.integers(0, 2**15, N).astype(np.int32),
        exposure=120 / 86400,
        header=HEADER,
    )


@pytest.fixture
def detected(light_curve):
    """The data of checkpoint 1."""
    rng = np.random.default_rng(2)
    probability = rng.random(N).astype(np.float32)
    probability[:100] = np.nan
    mask = np.zeros(N, bool)
    mask[120:130] = True
    return SectorData(light_curve, probability, mask, seconds={"download": 0.5, "detect": 1.5})


@pytest.fixture
def modelled(detected):
    """The data of checkpoint 2."""
    rng = np.random.default_rng(3)
    detected.gp_mu = rng.normal(1000, 1, N)
    detected.gp_sigma = rng.random(N)
    detected.gp_facts = {"gp_kernel": "rotation", "gp_converged": True, "gp_period": 3.5}
    detected.flares = {
        name: np.array([120, 121]).astype(dtype) for name, (dtype, _) in FLARE_COLUMNS.items()
    }
    detected.injections = Injections(
        amplitude=rng.random(N_INJECT),
        fwhm=rng.random(N_INJECT),
        cadence=rng.integers(0, N, (N_INJECT, N_REPEAT)),
        time=rng.random((N_INJECT, N_REPEAT)),
    )
    detected.equivalent_duration = rng.random(N_INJECT)
    detected.seconds["model"] = 2.5
    return detected


@pytest.fixture
def path(tmp_path):
    return sector_path(tmp_path, 261136679, 1)


@pytest.fixture
def first_checkpoint(path, detected):
    write(path, detected, PROVENANCE)
    return path


@pytest.fixture
def second_checkpoint(path, modelled):
    write(path, modelled, PROVENANCE)
    return path


def same_arrays(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert values.dtype == second[name].dtype, name
        np.testing.assert_array_equal(values, second[name], err_msg=name)


# ----------------------------------------------------------------- where it is


def test_files_are_spread_over_directories_and_the_sectors_of_a_target_are_together(tmp_path):
    assert sector_path(tmp_path, 261136679, 1) == tmp_path / "679" / "261136679_1.h5"
    assert sector_path(tmp_path, 9000000001, 13) == tmp_path / "001" / "9000000001_13.h5"
    assert sector_path(tmp_path, 7, 2) == tmp_path / "007" / "7_2.h5"


def test_the_files_of_a_directory_are_found_and_nothing_else(tmp_path):
    paths = {(7, 2): sector_path(tmp_path, 7, 2), (1007, 31): sector_path(tmp_path, 1007, 31)}
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
        path.touch()
        for other in (".new", ".damaged", ".damaged-1"):
            path.with_name(path.name + other).touch()
    (tmp_path / "007" / "notes_x.h5").touch()
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "7_3.h5").touch()
    assert sector_files(tmp_path) == paths
    assert sector_files(tmp_path / "nowhere") == {}


# ----------------------------------------------------------------- what is in it


def test_what_is_written_at_checkpoint_1_is_read_back(first_checkpoint, detected):
    back = read(first_checkpoint)
    light_curve = detected.light_curve
    for name in ("tic", "sector", "header"):
        assert getattr(back.light_curve, name) == getattr(light_curve, name)
    assert back.light_curve.exposure == pytest.approx(light_curve.exposure, rel=1e-15)
    columns = ("time", "flux", "flux_err", "quality")
    same_arrays(
        {name: getattr(back.light_curve, name) for name in columns},
        {name: getattr(light_curve, name) for name in columns},
    )
    np.testing.assert_array_equal(back.probability, detected.probability)
    np.testing.assert_array_equal(back.flare_mask, detected.flare_mask)
    assert back.injections is None
    assert back.seconds == {"download": 0.5, "detect": 1.5}


def test_what_is_written_at_checkpoint_2_is_read_back(second_checkpoint, modelled):
    back = read(second_checkpoint)
    np.testing.assert_array_equal(back.gp_mu, modelled.gp_mu.astype(np.float32))
    np.testing.assert_array_equal(back.gp_sigma, modelled.gp_sigma.astype(np.float32))
    assert back.gp_facts == modelled.gp_facts
    same_arrays(back.flares, modelled.flares)
    same_arrays(vars(back.injections), vars(modelled.injections))
    np.testing.assert_array_equal(back.equivalent_duration, modelled.equivalent_duration)
    assert back.seconds == {"download": 0.5, "detect": 1.5, "model": 2.5, "inject": 0.0}


def test_a_file_that_is_read_and_written_again_holds_the_same(second_checkpoint, tmp_path):
    again = tmp_path / "again.h5"
    write(again, read(second_checkpoint), PROVENANCE)
    with h5py.File(second_checkpoint) as first, h5py.File(again) as second:
        assert set(first.attrs) == set(second.attrs)
        for group in ("lc", "flares", "injections", "recoveries"):
            same_arrays(
                {name: dataset[()] for name, dataset in first[group].items()},
                {name: dataset[()] for name, dataset in second[group].items()},
            )


def test_progress_says_how_far_a_file_is(path, detected, tmp_path):
    assert read_progress(path) is None
    write(path, detected, PROVENANCE)
    progress = read_progress(path)
    assert (progress.checkpoint, progress.n_inject, progress.done) == ("detect", 0, False)
    assert progress.config_json == PROVENANCE.config_json
    assert progress.models_checksum == PROVENANCE.models_checksum


@pytest.mark.parametrize(("remaining", "done"), [(90, False), (40, False), (0, True)])
def test_progress_counts_the_injections_that_remain(second_checkpoint, remaining, done):
    with RecoveryWriter(second_checkpoint, None) as writer:
        writer.count_down(remaining, 1.0)
    progress = read_progress(second_checkpoint)
    assert progress.checkpoint == "model"
    assert (progress.n_inject, progress.n_inject_remaining) == (N_INJECT, remaining)
    assert progress.done is done


def test_groups_datasets_and_types_are_those_of_the_format(second_checkpoint):
    with h5py.File(second_checkpoint) as file:
        assert set(file) == {"lc", "flares", "injections", "recoveries"}
        assert {n: d.dtype for n, d in file["lc"].items()} == {
            name: np.dtype(dtype) for name, dtype in LC.items()
        }
        assert {d.shape for d in file["lc"].values()} == {(N,)}
        assert {n: (d.dtype, d.shape) for n, d in file["injections"].items()} == {
            name: (np.dtype(dtype), shape) for name, (dtype, shape) in INJECTIONS.items()
        }
        assert set(file["flares"]) == {
            *("start", "stop", "peak", "start_time", "stop_time", "peak_time", "amplitude"),
            *("equivalent_duration", "equivalent_duration_error", "max_probability"),
        }
        assert {d.shape for d in file["flares"].values()} == {(2,)}
        recovered = file["recoveries/recovered"]
        assert (recovered.dtype, recovered.shape) == (np.dtype(bool), (N_INJECT, N_REPEAT))
        assert not recovered[()].any()
        assert file["recoveries"].attrs["n_inject_remaining"] == N_INJECT


def test_every_dataset_has_its_units(second_checkpoint):
    units = {}
    with h5py.File(second_checkpoint) as file:
        for group in file.values():
            units |= {dataset.name: dataset.attrs["units"] for dataset in group.values()}
    assert len(units) == 8 + 10 + 5 + 1
    assert all(isinstance(unit, str) and unit for unit in units.values())
    assert units["/lc/time"] == units["/injections/time"] == units["/flares/peak_time"] == "BTJD d"
    assert {units[f"/lc/{n}"] for n in ("flux", "flux_err", "gp_mu", "gp_sigma")} == {"e-/s"}
    assert units["/injections/fwhm"] == "d"
    assert units["/injections/equivalent_duration"] == "s"


def test_the_root_says_what_the_file_depends_on(second_checkpoint):
    with h5py.File(second_checkpoint) as file:
        facts = dict(file.attrs)
    assert facts["format"] == "cvzmpi sector file"
    assert facts["format_version"] == 1
    assert (facts["tic"], facts["sector"], facts["seed"]) == (261136679, 1, 5)
    assert facts["exposure"] == pytest.approx(120)
    assert facts["config"] == PROVENANCE.config_json
    assert facts["config_sha256"] == PROVENANCE.config_hash
    assert facts["models_sha256"] == PROVENANCE.models_checksum
    assert json.loads(facts["software"]) == PROVENANCE.software
    assert {name: facts[name] for name in HEADER} == HEADER
    assert facts["checkpoint"] == "model"


def test_h5ls_lists_the_file(second_checkpoint):
    h5ls = shutil.which("h5ls")
    if h5ls is None:
        pytest.skip("h5ls is not installed")
    command = [h5ls, "-r", str(second_checkpoint)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in ("/lc/flare_probability", "/flares/peak", "/recoveries/recovered"):
        assert name in listing


# ----------------------------------------------------------------- how it survives


def test_nothing_else_is_left_beside_a_written_file(second_checkpoint):
    assert os.listdir(second_checkpoint.parent) == [second_checkpoint.name]


def test_the_file_takes_its_name_only_when_it_is_complete(path, detected, modelled, monkeypatch):
    states = []
    replace = type(path).replace

    def watched(self, target):
        states.append((self.name, read_progress(self).checkpoint, path.exists()))
        return replace(self, target)

    monkeypatch.setattr(type(path), "replace", watched)
    write(path, detected, PROVENANCE)
    assert states == [(f"{path.name}.new", "model", False)]
    assert path.exists()


@pytest.mark.parametrize("room", [0, 600, 3000, 8000])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(first_checkpoint, modelled, room):
    """A limit on the size of files does what a full disk does."""
    before = first_checkpoint.read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        with pytest.raises(SectorFileError) as caught:
            write(first_checkpoint, modelled, PROVENANCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert str(caught.value).startswith(f"{first_checkpoint}: cannot be written: ")
    assert len(str(caught.value).splitlines()) == 1
    assert not isinstance(caught.value, DamagedFileError)
    assert first_checkpoint.read_bytes() == before
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]
    write(first_checkpoint, modelled, PROVENANCE)
    assert read_progress(first_checkpoint).checkpoint == "model"


def test_a_failure_while_the_file_is_made_leaves_the_old_one(first_checkpoint, modelled):
    before = first_checkpoint.read_bytes()
    del modelled.flares["peak"]
    with pytest.raises(KeyError):
        write(first_checkpoint, modelled, PROVENANCE)
    assert first_checkpoint.read_bytes() == before
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]


def test_what_a_killed_writer_left_is_no_hindrance(first_checkpoint, modelled):
    first_checkpoint.with_name(first_checkpoint.name + ".new").write_bytes(b"\x89HDF\r\n half")
    assert read_progress(first_checkpoint).checkpoint == "detect"
    write(first_checkpoint, modelled, PROVENANCE)
    assert read_progress(first_checkpoint).checkpoint == "model"
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path, detected):
    (tmp_path / "679").write_text("a file stands here")
    path = sector_path(tmp_path, 261136679, 1)
    with pytest.raises(SectorFileError) as caught:
        write(path, detected, PROVENANCE)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: cannot be written: ")


# ----------------------------------------------------------------- damage


def read_all(path):
    """All that a resumed job reads."""
    read_progress(path)
    read(path)


def damaged(path):
    with pytest.raises(DamagedFileError) as caught:
        read_all(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    return line


@pytest.mark.parametrize("share", [0, 0.001, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_damaged(second_checkpoint, share):
    content = second_checkpoint.read_bytes()
    second_checkpoint.write_bytes(content[: int(share * len(content))])
    damaged(second_checkpoint)


@pytest.mark.parametrize("content", [b"not HDF5 at all\n" * 9, b"\0" * 5000, b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_is_damaged(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    damaged(path)


@pytest.mark.parametrize("position", [0, 3, 8, 13])
def test_a_flipped_byte_of_the_superblock_is_damage(second_checkpoint, position):
    content = bytearray(second_checkpoint.read_bytes())
    content[position] ^= 0xFF
    second_checkpoint.write_bytes(content)
    damaged(second_checkpoint)


DATASETS = [
    *(f"lc/{name}" for name in LC),
    *(f"flares/{name}" for name in FLARE_COLUMNS),
    *(f"injections/{name}" for name in INJECTIONS),
    "recoveries/recovered",
]


@pytest.mark.parametrize("name", ["lc", "flares", "injections", "recoveries", *DATASETS])
def test_a_missing_group_or_dataset_is_damage_that_the_scan_sees(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        del file[name]
    with pytest.raises(DamagedFileError):
        read_progress(second_checkpoint)
    damaged(second_checkpoint)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_of_a_wrong_shape_is_damage(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        values = file[name][()]
        del file[name]
        file[name] = values[:-1]
    damaged(second_checkpoint)


@pytest.mark.parametrize("name", ["lc", "recoveries", "lc/time", "recoveries/recovered"])
def test_a_group_in_place_of_a_dataset_or_the_reverse_is_damage(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        is_group = isinstance(file[name], h5py.Group)
        del file[name]
        if is_group:
            file[name] = np.zeros(5)
        else:
            file.create_group(name)
    damaged(second_checkpoint)


@pytest.mark.parametrize(
    "name", ["checkpoint", "config", "models_sha256", "tic", "sector", "exposure", "header"]
)
def test_a_missing_attribute_is_damage(second_checkpoint, name):
    with h5py.File(second_checkpoint, "r+") as file:
        del file.attrs[name]
    damaged(second_checkpoint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("checkpoint", "done"),
        ("config", '{"seed": 5'),
        ("config", 3),
        ("header", "{"),
        ("tic", "x"),
    ],
)
def test_a_senseless_attribute_is_damage(second_checkpoint, name, value):
    with h5py.File(second_checkpoint, "r+") as file:
        file.attrs[name] = value
    damaged(second_checkpoint)


@pytest.mark.parametrize("remaining", [-1, N_INJECT + 1, None])
def test_a_count_that_cannot_be_is_damage(second_checkpoint, remaining):
    with h5py.File(second_checkpoint, "r+") as file:
        attributes = file["recoveries"].attrs
        del attributes["n_inject_remaining"]
        if remaining is not None:
            attributes["n_inject_remaining"] = remaining
    damaged(second_checkpoint)


def test_another_hdf5_file_is_not_taken_for_a_damaged_one_of_ours(path):
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["mine"] = [1, 2, 3]
    with pytest.raises(SectorFileError, match="not a cvzmpi sector file") as caught:
        read_progress(path)
    assert not isinstance(caught.value, DamagedFileError)


def test_a_later_version_of_the_format_is_not_taken_for_a_damaged_file(second_checkpoint):
    with h5py.File(second_checkpoint, "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(SectorFileError, match="format version 2, expected 1") as caught:
        read_progress(second_checkpoint)
    assert not isinstance(caught.value, DamagedFileError)


def test_a_file_that_the_system_does_not_let_us_read_is_not_taken_for_a_damaged_one(
    second_checkpoint, monkeypatch
):
    def refuse(*arguments, **settings):
        raise PermissionError(13, "Unable to open file")  # root is refused nothing

    monkeypatch.setattr(sector_file.h5py, "File", refuse)
    with pytest.raises(SectorFileError, match="cannot be read: Permission denied") as caught:
        read_progress(second_checkpoint)
    assert not isinstance(caught.value, DamagedFileError)


def test_set_aside_overwrites_nothing(tmp_path):
    path = tmp_path / "1_1.h5"
    names = []
    for n in range(4):
        path.write_text(f"damaged {n}")
        names.append(set_aside(path).name)
        assert not path.exists()
    assert names == ["1_1.h5.damaged", *(f"1_1.h5.damaged-{n}" for n in (1, 2, 3))]
    assert [(tmp_path / name).read_text() for name in names] == [f"damaged {n}" for n in range(4)]


# ----------------------------------------------------------------- the recoveries


def test_rows_and_count_are_written_in_place(second_checkpoint):
    rng = np.random.default_rng(4)
    rows = rng.random((N_INJECT, N_REPEAT)) < 0.5
    before = read(second_checkpoint)
    size = second_checkpoint.stat().st_size
    with RecoveryWriter(second_checkpoint, None) as writer:
        writer.write_rows(slice(0, 40), rows[:40])
        writer.write_rows(slice(40, 80), rows[40:80])
        writer.count_down(10, 3.25)
    with h5py.File(second_checkpoint) as file:
        np.testing.assert_array_equal(file["recoveries/recovered"][:80], rows[:80])
        assert not file["recoveries/recovered"][80:].any()
        assert file["recoveries/recovered"].attrs["units"] == "bool"
    assert read_progress(second_checkpoint).n_inject_remaining == 10
    after = read(second_checkpoint)
    assert after.seconds["inject"] == 3.25
    same_arrays(vars(before.injections), vars(after.injections))
    assert second_checkpoint.stat().st_size == size, "all room is allocated beforehand"


def as_killed_now(path):
    """Count and rows that a kill at this instant would leave."""
    copy = path.with_name(f"copy-of-{MPI.COMM_WORLD.Get_rank()}.h5")
    shutil.copyfile(path, copy)
    with h5py.File(copy) as file:
        group = file["recoveries"]
        return int(group.attrs["n_inject_remaining"]), group["recovered"][()]


def test_rows_are_durable_before_the_count_vouches_for_them(second_checkpoint, monkeypatch):
    """Killed at any instant, the file never counts rows that are not in it."""
    states = []
    flush, modify = h5py.File.flush, h5py.AttributeManager.modify

    def on_disk():
        remaining, recovered = as_killed_now(second_checkpoint)
        return N_INJECT - remaining, int(recovered.all(axis=1).sum())

    def watched_flush(self):
        flush(self)
        states.append(on_disk())

    def watched_modify(self, name, value):
        states.append(on_disk())
        modify(self, name, value)

    monkeypatch.setattr(h5py.File, "flush", watched_flush)
    monkeypatch.setattr(h5py.AttributeManager, "modify", watched_modify)
    with RecoveryWriter(second_checkpoint, None) as writer:
        for start in range(0, N_INJECT, 30):
            rows = slice(start, start + 30)
            writer.write_rows(rows, np.ones((30, N_REPEAT), bool))
            writer.count_down(N_INJECT - start - 30, 1.0)
    assert states[-1] == (N_INJECT, N_INJECT)
    assert all(counted <= there for counted, there in states)
    assert (0, 30) in states, "rows come first"


def test_a_file_that_cannot_be_opened_for_the_recoveries_is_one_line(tmp_path):
    with pytest.raises(SectorFileError) as caught:
        RecoveryWriter(tmp_path / "none.h5", None)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path / 'none.h5'}: cannot be opened: ")


@pytest.mark.mpi(min_size=2)
def test_a_team_writes_its_rows_together(mpi_tmp_path, modelled):
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    communicator = MPI.COMM_WORLD
    rank, size = communicator.Get_rank(), communicator.Get_size()
    path = sector_path(mpi_tmp_path, 261136679, 1)
    if rank == 0:
        write(path, modelled, PROVENANCE)
    communicator.Barrier()
    rows = np.random.default_rng(4).random((N_INJECT, N_REPEAT)) < 0.5
    rows[:, 0] = True
    with RecoveryWriter(path, communicator) as writer:
        for half, remaining in ((range(0, 50, 10), 40), (range(50, N_INJECT, 10), 0)):
            for start in half:
                if start // 10 % size == rank:
                    writer.write_rows(slice(start, start + 10), rows[start : start + 10])
            writer.count_down(remaining, 1.0 + remaining)
            communicator.Barrier()
            done = N_INJECT - remaining
            counted, recovered = as_killed_now(path)
            assert counted == remaining
            np.testing.assert_array_equal(recovered[:done], rows[:done])
            assert not recovered[done:].any()
            communicator.Barrier()
    communicator.Barrier()
    assert read_progress(path).done
    assert read(path).seconds["inject"] == 1.0
    communicator.Barrier()
