"""The sector file: what is in it, that it survives, and what is done with a damaged one."""

import json
import os
import resource
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from cvzmpi.cvz.detection.flares import VETTING
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file import writing
from cvzmpi.cvz.sector_file.layout import LAYOUTS
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import read_progress, read_sector_data
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.errors import DamagedFileError, SectorFileError
from cvzmpi.storage import hdf5_file
from tests.cvz.sector_content import (
    HEADER,
    INJECTIONS,
    LC,
    N_INJECT,
    N_REPEAT,
    N_TEMPLATES,
    PROVENANCE,
    N,
    same_arrays,
)

# ----------------------------------------------------------------- where it is


def test_the_files_of_a_directory_are_found_and_nothing_else(tmp_path):
    paths = {id: id.path(tmp_path) for id in (LightCurveId(7, 2), LightCurveId(1007, 31))}
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
        path.touch()
        for other in (".new", ".damaged", ".damaged-1"):
            path.with_name(path.name + other).touch()
    for foreign in ("notes_x", "0007_2", "7_02", "7_٣", "0_7", "10000000000000007_1", "8_1"):
        (tmp_path / "007" / f"{foreign}.h5").touch()
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "7_3.h5").touch()
    assert sector_files(tmp_path) == paths
    assert sector_files(tmp_path / "nowhere") == {}


# ----------------------------------------------------------------- what is in it


def test_what_is_written_at_checkpoint_1_is_read_back(first_checkpoint, detected):
    back = read_sector_data(first_checkpoint)
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
    back = read_sector_data(second_checkpoint)
    np.testing.assert_array_equal(back.gp_mu, modelled.gp_mu.astype(np.float32))
    np.testing.assert_array_equal(back.gp_sigma, modelled.gp_sigma.astype(np.float32))
    assert back.gp_facts == modelled.gp_facts
    same_arrays(back.flares, modelled.flares)
    same_arrays(back.mirror_events, modelled.mirror_events)
    for name in ("significance", "significance_mask", "left_out", "noise_raised"):
        same_arrays({name: getattr(back, name)}, {name: getattr(modelled, name)})
    same_arrays(vars(back.injections), vars(modelled.injections))
    np.testing.assert_array_equal(back.equivalent_duration, modelled.equivalent_duration)
    assert back.seconds == {"download": 0.5, "detect": 1.5, "model": 2.5, "inject": 0.0}


def test_a_file_that_is_read_and_written_again_holds_the_same(second_checkpoint, tmp_path):
    again = tmp_path / "again.h5"
    write_sector_file(again, read_sector_data(second_checkpoint), PROVENANCE)
    with h5py.File(second_checkpoint) as first, h5py.File(again) as second:
        assert set(first.attrs) == set(second.attrs)
        for group in ("lc", "flares", "injections", "recoveries"):
            same_arrays(
                {name: dataset[()] for name, dataset in first[group].items()},
                {name: dataset[()] for name, dataset in second[group].items()},
            )


def test_progress_says_how_far_a_file_is(path, detected, tmp_path):
    assert read_progress(path) is None
    write_sector_file(path, detected, PROVENANCE)
    progress = read_progress(path)
    assert (progress.checkpoint, progress.n_inject, progress.done) == ("detect", 0, False)
    assert progress.config_json == PROVENANCE.config_json
    assert progress.models_checksum == PROVENANCE.models_checksum


@pytest.mark.parametrize(("remaining", "done"), [(90, False), (40, False), (0, True)])
def test_progress_counts_the_injections_that_remain(second_checkpoint, remaining, done):
    with RecoveryWriter(second_checkpoint) as writer:
        writer.count_down(remaining, 1.0)
    progress = read_progress(second_checkpoint)
    assert progress.checkpoint == "model"
    assert (progress.n_inject, progress.n_inject_remaining) == (N_INJECT, remaining)
    assert progress.done is done


def test_groups_datasets_and_types_are_those_of_the_format(second_checkpoint):
    with h5py.File(second_checkpoint) as file:
        assert set(file) == {
            *("lc", "flares", "mirror_events", "templates", "injections", "recoveries")
        }
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
            *("mask_equivalent_duration", "mask_equivalent_duration_error", "found_by", "snr"),
            *("template_amplitude", "template_amplitude_error", "fwhm", "fwhm_error"),
            *("template_time", "reliability", *VETTING),
        }
        assert file["flares/found_by"].dtype == np.dtype("i1")
        assert {d.shape for d in file["flares"].values()} == {(2,)}
        assert set(file["mirror_events"]) == {
            *("image", "peak", "peak_time", "found_by", "snr", "max_probability", *VETTING)
        }
        assert {d.shape for d in file["mirror_events"].values()} == {(2,)}
        assert file["templates/noise_raised"].shape == (N_TEMPLATES,)
        for name in ("recovered", "recovered_significance"):
            recovered = file[f"recoveries/{name}"]
            assert (recovered.dtype, recovered.shape) == (np.dtype(bool), (N_INJECT, N_REPEAT))
            assert not recovered[()].any()
        checksum = file["recoveries/checksum"]
        assert (checksum.dtype, checksum.shape) == (np.dtype("u4"), (N_INJECT,))
        assert file["recoveries"].attrs["n_inject_remaining"] == N_INJECT


def test_every_dataset_has_its_units(second_checkpoint):
    units = {}
    with h5py.File(second_checkpoint) as file:
        for group in file.values():
            units |= {dataset.name: dataset.attrs["units"] for dataset in group.values()}
    n_of_vetting = 2 * len(VETTING)
    assert len(units) == (8 + 4) + 20 + 6 + n_of_vetting + 1 + 5 + 3
    assert all(isinstance(unit, str) and unit for unit in units.values())
    assert units["/lc/time"] == units["/injections/time"] == units["/flares/peak_time"] == "BTJD d"
    assert {units[f"/lc/{n}"] for n in ("flux", "flux_err", "gp_mu", "gp_sigma")} == {"e-/s"}
    assert units["/injections/fwhm"] == "d"
    assert units["/injections/equivalent_duration"] == "s"


def test_the_root_says_what_the_file_depends_on(second_checkpoint):
    with h5py.File(second_checkpoint) as file:
        facts = dict(file.attrs)
    assert facts["format"] == "cvzmpi sector file"
    assert facts["format_version"] == 2
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
    write_sector_file(path, detected, PROVENANCE)
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
            write_sector_file(first_checkpoint, modelled, PROVENANCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert str(caught.value).startswith(f"{first_checkpoint}: cannot be written: ")
    assert len(str(caught.value).splitlines()) == 1
    assert not isinstance(caught.value, DamagedFileError)
    assert first_checkpoint.read_bytes() == before
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]
    write_sector_file(first_checkpoint, modelled, PROVENANCE)
    assert read_progress(first_checkpoint).checkpoint == "model"


def test_a_failure_while_the_file_is_made_leaves_the_old_one(first_checkpoint, modelled):
    before = first_checkpoint.read_bytes()
    del modelled.flares["peak"]
    with pytest.raises(KeyError):
        write_sector_file(first_checkpoint, modelled, PROVENANCE)
    assert first_checkpoint.read_bytes() == before
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]


def test_what_a_killed_writer_left_is_no_hindrance(first_checkpoint, modelled):
    first_checkpoint.with_name(first_checkpoint.name + ".new").write_bytes(b"\x89HDF\r\n half")
    assert read_progress(first_checkpoint).checkpoint == "detect"
    write_sector_file(first_checkpoint, modelled, PROVENANCE)
    assert read_progress(first_checkpoint).checkpoint == "model"
    assert os.listdir(first_checkpoint.parent) == [first_checkpoint.name]


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path, detected):
    (tmp_path / "679").write_text("a file stands here")
    path = LightCurveId(261136679, 1).path(tmp_path)
    with pytest.raises(SectorFileError) as caught:
        write_sector_file(path, detected, PROVENANCE)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: cannot be written: ")


# ----------------------------------------------------------------- what is refused, and kept


def test_another_hdf5_file_is_not_taken_for_a_damaged_one_of_ours(path):
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["mine"] = [1, 2, 3]
    with pytest.raises(SectorFileError, match="not a cvzmpi sector file") as caught:
        read_progress(path)
    assert not isinstance(caught.value, DamagedFileError)


def test_a_later_version_of_the_format_is_not_taken_for_a_damaged_file(path, modelled, monkeypatch):
    monkeypatch.setattr(writing, "FORMAT_VERSION", 3)
    monkeypatch.setitem(LAYOUTS, 3, LAYOUTS[2])
    write_sector_file(path, modelled, PROVENANCE)
    monkeypatch.delitem(LAYOUTS, 3)
    with pytest.raises(SectorFileError, match="format version 3, expected 2") as caught:
        read_progress(path)
    assert not isinstance(caught.value, DamagedFileError)


def test_a_file_that_the_system_does_not_let_us_read_is_not_taken_for_a_damaged_one(
    second_checkpoint, monkeypatch
):
    def refuse(*arguments, **settings):
        raise PermissionError(13, "Unable to open file")  # root is refused nothing

    monkeypatch.setattr(hdf5_file.h5py, "File", refuse)
    with pytest.raises(SectorFileError, match="cannot be read: Permission denied") as caught:
        read_progress(second_checkpoint)
    assert not isinstance(caught.value, DamagedFileError)
