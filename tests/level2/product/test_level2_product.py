"""From simulated Level 1 data to a product that dkist opens."""

import shutil
from datetime import datetime

import numpy as np
import pytest
from astropy.io import fits
from mpi4py import MPI

from cvzmpi.errors import Level1Error, MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.map_inversion import Tools, invert_map
from cvzmpi.level2.maps.level1 import air_wavelength, read_level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.preprocess import preprocess
from cvzmpi.level2.product.files.file_names import fits_name
from cvzmpi.level2.product.files.level2_gwcs import Level1Coordinates, map_wcs, spectra_wcs
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.product.product_source import SlitPixels
from cvzmpi.level2.settings import InversionSettings, PreprocessSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control
from tests.edited_hdf5 import edited
from tests.level2.simulated_level1 import CROSSTALK, SHIFT, simulate_level1
from tests.main_job import bytes_of
from tools.harness.job_process import run

dkist = pytest.importorskip("dkist", reason="Level 1 data need the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

CREATED = datetime(2024, 5, 1, 12)
N_STEPS, N_SLIT = 3, 12


@pytest.fixture(scope="session")
def level1(tmp_path_factory):
    """A dataset with two maps, and the parameters of its atmospheres."""
    directory = tmp_path_factory.mktemp("level1") / "dataset"
    return directory, simulate_level1(directory, N_STEPS, N_SLIT, n_maps=2)


@pytest.fixture(scope="session")
def prepared(level1, tmp_path_factory):
    output = tmp_path_factory.mktemp("prepared")
    return preprocess(level1[0], output, PreprocessSettings(), map_number=1)


def inverted_from(prepared, path):
    tools = Tools(InversionSettings(), {}, 5.0, False)
    control = Control(StopRequest(), lambda steps: None)
    invert_map(tools, prepared.path, path, Team(MPI.COMM_SELF.Dup()), control)
    return path


@pytest.fixture(scope="session")
def inverted(prepared, tmp_path_factory):
    return inverted_from(prepared, tmp_path_factory.mktemp("inverted") / "map.inverted.h5")


@pytest.fixture(scope="session")
def product(level1, prepared, inverted, tmp_path_factory):
    directory = tmp_path_factory.mktemp("product")
    return write_product(level1[0], prepared, inverted, directory, "inv.ABC123", CREATED)


@pytest.fixture(scope="session")
def opened(product):
    """What a reader gets."""
    return dkist.load_dataset(product.directory)


# ----------------------------------------------------------------- Level 1


def test_a_dataset_is_read_with_its_maps(level1):
    first, second = (read_level1(level1[0], number) for number in (0, 1))
    assert (second.n_steps, second.n_slit) == (N_STEPS, N_SLIT)
    assert len(set(first.files()) | set(second.files())) == 2 * 4 * N_STEPS
    assert second.headers()[0]["DATE-BEG"] > first.headers()[-1]["DATE-BEG"]


def test_a_missing_map_is_refused(level1):
    with pytest.raises(Level1Error, match="map 2 of 2, counted from 0"):
        read_level1(level1[0], 2)


def test_a_missing_file_is_named(level1, tmp_path):
    copy = tmp_path / "dataset"
    shutil.copytree(level1[0], copy)
    gone = read_level1(copy).files()[5]
    gone.unlink()
    with pytest.raises(Level1Error, match=f"{gone}: named by the ASDF file, and not there"):
        read_level1(copy)


def test_what_is_no_dataset_is_one_line(tmp_path):
    with pytest.raises(Level1Error, match="no such directory"):
        read_level1(tmp_path / "nowhere")
    with pytest.raises(Level1Error, match="cannot be read: ValueError: No asdf file found"):
        read_level1(tmp_path)


def test_wavelengths_in_air_are_those_of_the_standard():
    # Fe I 630.25 nm has 630.4236 nm in vacuum (Nave et al. 1994, ApJS 94, 221)
    assert air_wavelength(np.array([630.4236])) == pytest.approx([630.2493], abs=2e-4)


# ----------------------------------------------------------------- preprocessing


def test_the_wavelengths_are_calibrated(prepared):
    calibration = prepared.record["wavelength_calibration"]
    assert calibration["shift_nm"] == pytest.approx(-SHIFT, abs=2e-4)
    assert prepared.wavelength[0] >= 630.075
    assert prepared.wavelength[-1] <= 630.325


def test_the_continuum_of_the_quiet_sun_is_1(prepared, level1):
    assert np.percentile(prepared.quiet_profile, 90) == pytest.approx(1, abs=0.01)
    with prepared.profiles() as profiles:
        continuum = profiles[:, :, 0, :10].mean(axis=2)
    parameters = level1[1]
    expected = parameters[..., me.SOURCE_CONSTANT] + parameters[..., me.SOURCE_GRADIENT]
    assert continuum == pytest.approx(expected, rel=0.05)


def test_crosstalk_is_found_and_removed(prepared, level1, tmp_path):
    assert prepared.record["crosstalk_median"] == pytest.approx(CROSSTALK, abs=3e-4)
    kept = preprocess(level1[0], tmp_path, PreprocessSettings(correct_crosstalk=False))
    for of, leak in ((prepared, 0), (kept, CROSSTALK[0])):
        with of.profiles() as profiles:
            ratio = profiles[:, :, 1, :10].mean() / profiles[:, :, 0, :10].mean()
        assert ratio == pytest.approx(leak, abs=5e-4)


def test_the_noise_is_measured(prepared):
    assert prepared.record["noise"] == pytest.approx([1e-3] * 3, rel=0.15)


def test_the_record_names_files_with_checksums_and_versions(prepared, level1):
    files = prepared.record["files"]
    assert set(files) == {path.name for path in read_level1(level1[0], 1).files()}
    assert all(len(checksum) == 64 for checksum in files.values())
    assert {"cvzmpi", "dkist", "numpy"} <= set(prepared.record["software"])
    assert prepared.record["map"] == 1


def test_a_map_is_prepared_once_and_anew_when_settings_or_files_change(level1, tmp_path):
    data = tmp_path / "dataset"
    shutil.copytree(level1[0], data)
    first = preprocess(data, tmp_path, PreprocessSettings())
    before = first.path.stat().st_ino
    assert preprocess(data, tmp_path, PreprocessSettings()).checksum == first.checksum
    assert first.path.stat().st_ino == before
    binned = preprocess(data, tmp_path, PreprocessSettings(slit_bin=2, spectral_bin=2))
    assert binned.shape == (N_STEPS, N_SLIT // 2)
    assert len(binned.wavelength) == len(first.wavelength) // 2
    again = preprocess(data, tmp_path, PreprocessSettings())
    assert again.checksum == first.checksum
    file = read_level1(data).files()[0]
    with fits.open(file, mode="update", checksum=True) as units:
        units[-1].data[:] *= 1.5
    assert preprocess(data, tmp_path, PreprocessSettings()).record != first.record
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_wavelengths_without_the_lines_are_refused(level1, tmp_path):
    settings = PreprocessSettings(first_wavelength=630.2, last_wavelength=630.3)
    with pytest.raises(Level1Error, match="the lines are not within"):
        preprocess(level1[0], tmp_path, settings)
    settings = PreprocessSettings(first_wavelength=854.0, last_wavelength=854.4)
    with pytest.raises(Level1Error, match=r"expected 854\.0 to 854\.4 nm"):
        preprocess(level1[0], tmp_path, settings)


# ----------------------------------------------------------------- the product


def test_the_commands_lead_from_level_1_to_level_2(level1, product, tmp_path):
    def cvzmpi(*arguments):
        ended = run(["level2", *arguments])
        assert ended.status == 0, ended.stderr
        return ended.stdout.split()[-1:]

    prepared, inverted, written = (tmp_path / name for name in ("prepared", "inverted", "product"))
    (path,) = cvzmpi("prepare", level1[0], "--map", "1", "--output", prepared)
    cvzmpi("invert", prepared, "--output", inverted)
    (inverted_path,) = inverted.iterdir()
    cvzmpi(
        *("write", level1[0], path, inverted_path),
        *("--output", written, "--inversion-id", "inv.ABC123"),
    )
    names = sorted(path.name for path in (*product.fits, product.asdf))
    assert sorted(path.name for path in written.iterdir()) == names
    velocity = dkist.load_dataset(written)["velocity"].data.compute()
    expected = dkist.load_dataset(product.directory)["velocity"].data.compute()
    assert np.array_equal(velocity, expected)


def test_dkist_opens_it_as_an_inversion(opened, product):
    assert type(opened) is dkist.Inversion
    quantities = {"mag_strength", "velocity", "mag_inclination", "mag_azimuth"}
    assert set(opened.keys()) == quantities | {f"{name}_uncertainty" for name in quantities}
    assert set(opened.profiles.keys()) == {"FeI630_orig", "FeI630_fit"}
    assert opened["velocity"].data.shape == (N_STEPS, N_SLIT)
    inventory = opened.meta["inventory"]
    assert inventory["inversionId"] == product.inversion_id
    assert inventory["spectralLines"] == ["FeI630"]
    assert len(opened.meta["headers"]) == N_STEPS
    assert {str(opened[name].unit) for name in opened} == {"T", "km / s", "deg"}


def test_its_quantities_are_those_of_the_sun(opened, level1):
    truth = level1[1]
    strong = truth[..., me.FIELD] > 300

    def error(name, expected):
        return np.abs(opened[name].data.compute() - expected)[strong]

    azimuth = error("mag_azimuth", np.degrees(truth[..., me.AZIMUTH]))
    assert np.median(error("mag_strength", truth[..., me.FIELD] * 1e-4)) < 10e-4
    assert np.median(error("velocity", truth[..., me.VELOCITY])) < 0.1
    assert np.median(error("mag_inclination", np.degrees(truth[..., me.INCLINATION]))) < 0.5
    assert np.median(np.minimum(azimuth, 180 - azimuth)) < 0.5


def test_uncertainties_chi_squared_and_status_can_be_reached(opened, inverted):
    found = inversion_file.read(inverted)
    strength = opened["mag_strength_uncertainty"].data.compute()
    expected = found.uncertainties["field_strength"] * np.float32(1e-4)
    assert np.array_equal(strength, expected, equal_nan=True)
    maps = {name: cube.data.compute() for name, cube in opened.meta["maps"].items()}
    assert np.array_equal(maps["chi_squared"], found.chi_squared)
    assert np.array_equal(maps["status"], found.status)
    assert np.array_equal(maps["milne_eddington_damping"], found.parameters["damping"])


def test_the_fits_are_those_of_the_profiles(opened, prepared):
    original, fit = (opened.profiles[f"FeI630_{p}"].data.compute() for p in ("orig", "fit"))
    with prepared.profiles() as profiles:
        assert np.array_equal(original, profiles[()].transpose(0, 1, 3, 2))
    assert np.median(np.abs(original - fit)) < 1e-3


def test_pixels_keep_their_place_time_and_wavelength(opened, level1, prepared):
    before = dkist.load_dataset(level1[0]).wcs
    slit, step = 4, 2
    lon, _, lat, time, _ = before.pixel_to_world_values(slit, 0, step, 1, 0)
    wcs = opened["velocity"].wcs
    assert wcs.pixel_to_world_values(slit, step) == pytest.approx((lon, lat, time))
    wcs = opened.profiles["FeI630_fit"].wcs
    world = wcs.pixel_to_world_values(3, 7, slit, step)
    expected = (4, prepared.wavelength[7], lon, lat, time)
    assert world == pytest.approx(expected, abs=1e-4)


def test_the_world_coordinates_of_a_single_map_lead_back_to_its_pixels(tmp_path):
    directory = tmp_path / "dataset"
    simulate_level1(directory, N_STEPS, N_SLIT)
    level1 = Level1Coordinates(read_level1(directory).wcs, map_number=0, slit=SlitPixels(0, 3))
    wcs = map_wcs(level1, (N_STEPS, N_SLIT // 3))
    place = wcs.pixel_to_world_values(2.5, 1)
    assert wcs.world_to_pixel_values(*place) == pytest.approx((2.5, 1), abs=1e-6)
    wavelength = 630.1 + 0.001 * np.arange(100)
    wcs = spectra_wcs(level1, (N_STEPS, N_SLIT // 3), wavelength)
    place = wcs.pixel_to_world_values(2, 30, 2.5, 1)
    assert place[:2] == pytest.approx((3, 630.13))
    assert wcs.world_to_pixel_values(*place) == pytest.approx((2, 30, 2.5, 1), abs=1e-6)


def test_it_can_be_sliced(opened):
    part = opened[1:3, 2:7]
    assert part["mag_strength"].data.shape == (2, 5)
    assert part.profiles["FeI630_orig"].data.shape[:2] == (2, 5)


def test_it_says_what_it_is_and_that_the_azimuth_is_ambiguous(product):

    with fits.open(product.fits[0], checksum=True) as file:
        header = file[0].header
        assert header["INVMODEL"] == "Milne-Eddington"
        assert "180 degrees" in str(header["COMMENT"])
        assert (header["LEVEL"], header["DSETID"]) == (2, "inv.ABC123")
        names = [unit.name for unit in file]
        assert "Uncertainty of Magnetic Field Strength" in names
        assert not any("emperature" in name or "ptical" in name for name in names)
        for unit in file:
            assert unit.verify_datasum()
            assert unit.verify_checksum()


@pytest.mark.parametrize(
    "begin",
    [
        "2024-04-17T20:25:26.516999",
        "2024-04-17T20:25:26.516",
        "2024-04-17T20:25:26.516Z",
    ],
)
def test_file_names_have_a_time_of_fixed_width(begin):
    name = fits_name("inv.PUYATW", {"DATE-BEG": begin})
    assert name == "INV_PUYATW_2024_04_17T20_25_26_516_L2.fits"
    whole = fits_name("inv.PUYATW", {"DATE-BEG": "2024-04-17T20:25:26"})
    assert len(whole) == len(name)


def test_written_again_it_is_the_same_to_the_last_byte(level1, prepared, inverted, product):
    before = bytes_of(product.directory)
    again = write_product(level1[0], prepared, inverted, product.directory, "inv.ABC123", CREATED)
    assert again == product
    assert bytes_of(product.directory) == before


def test_a_binned_map_keeps_its_place(level1, tmp_path):
    prepared = preprocess(level1[0], tmp_path, PreprocessSettings(slit_bin=2, spectral_bin=2))
    inverted = inverted_from(prepared, tmp_path / "map.inverted.h5")
    write_product(level1[0], prepared, inverted, tmp_path / "p", "inv.AAAAA1", CREATED)
    wcs = dkist.load_dataset(tmp_path / "p")["velocity"].wcs
    lon, _, lat, time, _ = dkist.load_dataset(level1[0]).wcs.pixel_to_world_values(4.5, 0, 1, 0, 0)
    assert wcs.pixel_to_world_values(2, 1) == pytest.approx((lon, lat, time))
    from astropy.wcs import WCS

    header = read_level1(level1[0]).headers()[1]
    with fits.open(sorted((tmp_path / "p").glob("*.fits"))[1]) as file:
        place = WCS(file[1].header).pixel_to_world_values(2, 0)
    of_level1 = WCS(fits.Header({k: header[k] for k in header if _of_the_wcs(k)}))
    lat, _, lon = of_level1.pixel_to_world_values(4.5, 0, 0)
    assert np.array(place) == pytest.approx(np.array([lat, lon]))


def _of_the_wcs(key):
    names = ("CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT", "PC", "LONPOLE", "NAXIS", "WCSAXES")
    return key.startswith(names) and not key.endswith("A")


def test_a_map_that_is_not_finished_is_not_written(level1, prepared, inverted, tmp_path):
    copy = tmp_path / "map.inverted.h5"
    shutil.copy(inverted, copy)
    with edited(copy) as file:
        file.attrs["n_tickets_remaining"] = np.int64(1)
    with pytest.raises(MapFileError, match="1 ticket is not inverted yet"):
        write_product(level1[0], prepared, copy, tmp_path / "p", "inv.ABC123", CREATED)
    assert not (tmp_path / "p").exists()


def test_an_inversion_of_another_map_is_refused(level1, inverted, tmp_path):
    other = preprocess(level1[0], tmp_path, PreprocessSettings(slit_bin=2))
    with pytest.raises(MapFileError, match="not inverted from"):
        write_product(level1[0], other, inverted, tmp_path / "p", "inv.ABC123", CREATED)


@pytest.mark.parametrize("bad", ["ABC123", "inv.abc123", "inv.ABC12", "inv.ABC1234", "../x"])
def test_a_wrong_inversion_id_is_refused(level1, prepared, inverted, tmp_path, bad):
    with pytest.raises(MapFileError, match=r"expected inv\. and six"):
        write_product(level1[0], prepared, inverted, tmp_path / "p", bad, CREATED)


def test_the_description_of_a_prepared_map_survives_the_file(prepared):
    assert PreparedMap.read(prepared.path).record == prepared.record
