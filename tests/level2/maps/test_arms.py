"""Any arm whose lines are known is prepared: Ca II 854.2 nm, and the lines of a table."""

import numpy as np
import pytest

from cvzmpi.errors import Level1Error
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.maps.arms import CALCIUM, arm_of, arms_of, calcium_arm
from cvzmpi.level2.maps.preprocess import preprocess
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED
from cvzmpi.level2.settings import PreprocessSettings
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, FE_I_630, Level, Line
from tests.level2.simulated_calcium import DISPERSION, WAVELENGTH, intensity, simulate_calcium
from tests.level2.simulated_level1 import CROSSTALK, SHIFT, simulate_level1
from tools.harness.job_process import run

pytest.importorskip("dkist", reason="Level 1 data need the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

SETTINGS = PreprocessSettings()
FIRST = FE_I_630[:1]


@pytest.fixture(scope="module")
def calcium(tmp_path_factory):
    directory = tmp_path_factory.mktemp("calcium") / "level1"
    simulate_calcium(directory)
    return directory


@pytest.fixture(scope="module")
def prepared(calcium, tmp_path_factory):
    return preprocess(calcium, tmp_path_factory.mktemp("prepared"), SETTINGS)


def test_the_effective_lande_factor_of_ca_ii_is_that_of_the_literature():
    assert CA_II_854.effective_lande == pytest.approx(1.10, abs=1e-9)  # Centeno 2018
    assert CA_II_854.wavelength == 854.209


def test_the_wavelengths_of_ca_ii_are_calibrated_by_its_core(prepared):
    calibration = prepared.record["wavelength_calibration"]
    assert calibration["shift_nm"] == pytest.approx(-SHIFT, abs=DISPERSION / 4)
    assert calibration["stretch"] == 1
    core = prepared.wavelength[np.argmin(prepared.quiet_profile)]
    assert core == pytest.approx(CA_II_854.wavelength, abs=DISPERSION)
    assert prepared.arm == CALCIUM


def test_the_far_wings_are_1_and_free_of_crosstalk(prepared):
    far = np.abs(WAVELENGTH - CA_II_854.wavelength)
    level = intensity(WAVELENGTH, 0.0)[0][(far > 0.4) & (far < 0.62)].mean()
    expected = intensity(prepared.wavelength, 0.0)[0] / level
    assert np.abs(prepared.quiet_profile - expected).max() < 0.01
    assert prepared.record["crosstalk_median"] == pytest.approx(CROSSTALK, abs=5e-4)
    assert prepared.record["noise"] == pytest.approx([1e-3] * 3, rel=0.2)
    assert prepared.record["tellurics_nm"] == []


def test_what_is_prepared_of_ca_ii_reaches_to_the_wings(prepared):
    ends = prepared.wavelength[[0, -1]] - CA_II_854.wavelength
    assert ends == pytest.approx([-0.26, 0.26], abs=DISPERSION)


def test_it_is_prepared_once(calcium, prepared):
    again = preprocess(calcium, prepared.path.parent, SETTINGS)
    assert (again.checksum, again.record) == (prepared.checksum, prepared.record)


def test_the_lines_of_a_table_are_prepared_with_the_wavelengths_around_them(tmp_path):
    simulate_level1(tmp_path / "level1", n_steps=2, n_slit=6)
    both = preprocess(tmp_path / "level1", tmp_path / "both", SETTINGS)
    one = preprocess(tmp_path / "level1", tmp_path / "one", SETTINGS, lines=FIRST)
    assert one.wavelength[[0, -1]] == pytest.approx(
        [FIRST[0].wavelength - 0.075, FIRST[0].wavelength + 0.075], abs=2e-3
    )
    assert one.record["lines_nm"] == [FIRST[0].wavelength]
    assert "lines_nm" not in both.record  # earlier versions' maps stay prepared
    changed = preprocess(tmp_path / "level1", tmp_path / "one", SETTINGS, lines=FE_I_630[1:])
    assert changed.record["lines_nm"] == [FE_I_630[1].wavelength]
    back = preprocess(tmp_path / "level1", tmp_path / "one", SETTINGS)
    assert (back.checksum, back.record) == (both.checksum, both.record)


def test_lines_that_were_not_observed_are_refused_by_name(tmp_path, calcium):
    level = Level(0, 1, 1)
    elsewhere = (Line(617.334, -2.88, level, Level(0, 0, 0)),)
    simulate_level1(tmp_path / "level1", n_steps=2, n_slit=6)
    with pytest.raises(Level1Error, match=r"expected 617\.259"):
        preprocess(tmp_path / "level1", tmp_path, SETTINGS, lines=elsewhere)
    assert preprocess(calcium, tmp_path, SETTINGS, lines=elsewhere).arm == CALCIUM


def test_an_arm_is_known_by_its_lines_in_whichever_order_wavelengths_are():
    arms = arms_of(SETTINGS)
    visp_630 = 629.495 + 1.285e-3 * np.arange(1000)
    visp_854 = 853.182 + 1.882e-3 * np.arange(1000)
    assert arm_of(visp_630, arms).lines == arm_of(visp_630[::-1], arms).lines == FE_I_630
    assert arm_of(visp_854, arms) == arm_of(visp_854[::-1], arms) == calcium_arm()
    table = arms_of(SETTINGS, (CA_II_854,))
    assert arm_of(visp_854, table).name == "lines"
    narrow = PreprocessSettings(first_wavelength=854.1, last_wavelength=854.3)
    assert (arms_of(narrow, (CA_II_854,))[0].first, arms_of(narrow)[0].first) == (854.1, 854.1)


def test_the_commands_prepare_and_invert_the_lines_of_a_table(tmp_path):
    table = tmp_path / "line.csv"
    table.write_text("wavelength_nm,log_gf,j_lower,j_upper,g_lower\n630.24936,-1.236,1,0,2.5\n")
    simulate_level1(tmp_path / "level1", n_steps=2, n_slit=3)
    prepared, inverted = tmp_path / "prepared", tmp_path / "inverted"
    options = ("--lines", table)
    ended = run(["level2", "prepare", tmp_path / "level1", "--output", prepared, *options])
    assert ended.status == 0, ended.stderr
    ended = run(["level2", "invert", prepared, "--output", inverted, *options])
    assert ended.status == 0, ended.stderr
    found = inversion_file.read(next(inverted.iterdir()))
    assert (found.status == CONVERGED).all()
