"""The sections of the configuration: defaults, what results depend on, the archive."""

import pytest

from cvzmpi.config import differences
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.errors import ConfigError


def complaints(*settings):
    """The lines of the error that `load` raises."""
    with pytest.raises(ConfigError) as caught:
        load(None, settings)
    return str(caught.value).splitlines()


def test_without_anything_the_documented_defaults_hold():
    config = load(None)
    assert config == Config()
    assert (config.seed, config.ranks_per_team) == (1, 1)
    assert config.light_curve.quality_bitmask == 16575
    detect = config.detect
    assert (detect.threshold, detect.min_cadences, detect.merge_gap) == (0.5, 3, 20)
    inject = config.inject
    assert (inject.n_inject, inject.n_repeat) == (2000, 10)
    assert (inject.min_amplitude, inject.max_amplitude) == (1, 50)
    assert (inject.fwhm_median, inject.fwhm_sigma) == (0.002, 0.7)


# ----------------------------------------------------------------- what results depend on

SCIENCE = [
    "seed=2",
    "light_curve.quality_bitmask=0",
    "light_curve.min_usable_cadences=2000",
    "light_curve.dilution=corrected",
    "detect.threshold=0.6",
    "detect.min_cadences=2",
    "detect.merge_gap=10",
    "detect.max_gap=5",
    "model.kernel=two_sho",
    "model.min_period=0.2",
    "model.max_period=20",
    "model.max_iterations=100",
    "significance.min_snr=6",
    "inject.n_inject=10",
    "inject.n_repeat=2",
    "inject.min_amplitude=2",
    "inject.max_amplitude=40",
    "inject.fwhm_median=0.003",
    "inject.fwhm_sigma=0.5",
    "inject.peak_tolerance=1",
]
NOT_SCIENCE = [
    "ranks_per_team=4",
    "checkpoint.interval=60",
    "input.directory=elsewhere",
    "input.targets=list.csv",
    "input.products=['spoc-20', 'spoc-120']",
    "output.directory=elsewhere",
    "detector.file=models.npz",
    "detect.search=either",
    "input.columns={time='t'}",
    'input.products=["qlp"]',
    "archive.targets=stars.csv",
    "archive.address=s3://stpubdata",
    "archive.listings=file:///listings/{sector}.sh",
    "archive.fast_listings=file:///listings/{sector}_fast.sh",
    "archive.tess_spoc_listings=file:///listings/s{sector:04}.sh",
    "archive.qlp_listings=https://a.org/s{sector:04}.sh",
    "archive.find=search",
    "archive.listings_max_age=1",
    "archive.min_sectors_per_year=5",
    "archive.min_tmag=5.0",
    "archive.max_tmag=12.0",
    "archive.scratch=elsewhere",
    "archive.scratch_gb=5",
    "archive.ahead=10",
    "archive.connections=2",
    "archive.requests_per_second=2",
    "archive.connect_timeout=5",
    "archive.read_timeout=5",
    "archive.transfer_timeout=60",
    "archive.attempts=3",
    "archive.longest_pause=10",
    "archive.give_up_after=5",
    "archive.last_sector=120",
    "archive.absent_sectors=[7]",
    "archive.min_bytes_per_second=100",
    "archive.max_listing_mb=32",
    "archive.max_light_curve_mb=32",
    "checkpoint.fsync=false",
    "job.drain_before_end=60",
    "job.max_attempts=9",
    "ledger.url=postgresql://host/database",
    "ledger.lease=60",
    "ledger.patience=60",
    "job.log_level=DEBUG",
]


@pytest.mark.parametrize("setting", SCIENCE)
def test_the_hash_changes_with_everything_the_results_depend_on(setting):
    changed = load(None, [setting])
    assert changed.science_hash() != Config().science_hash()
    key = setting.partition("=")[0]
    (difference,) = differences(changed.science_json(), Config().science_json())
    before = Config().science().get(key, "not set")  # what earlier versions did not know
    assert difference.startswith(f"{key}: {before} -> ")
    assert difference.endswith(f" -> {changed.science()[key]}")


@pytest.mark.parametrize("setting", NOT_SCIENCE)
def test_the_hash_does_not_know_how_and_where_it_is_computed(setting):
    changed = load(None, [setting])
    assert changed != Config()
    assert changed.science_hash() == Config().science_hash()
    assert differences(changed.science_json(), Config().science_json()) == []


def test_every_setting_is_tested_as_one_that_results_depend_on_or_one_they_do_not():
    every = {
        f"{section}.{name}" if hasattr(value, "model_dump") else section
        for section, value in Config()
        for name in (type(value).model_fields if hasattr(value, "model_dump") else [""])
    }
    assert every == {setting.partition("=")[0] for setting in SCIENCE + NOT_SCIENCE}


def test_the_hash_is_that_of_the_values_however_they_are_written(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text("seed = 0x1\n[model]\nmax_period = 27\n[inject]\nn_inject = 2_000\n")
    written = load(file)
    assert written.science_hash() == Config().science_hash()


# ----------------------------------------------------------------- the archive


@pytest.mark.parametrize("address", ["ftp://a.org", "a.org", "https://", "/data"])
def test_the_archive_has_an_address_of_a_known_kind(address):
    (line,) = complaints(f"archive.address={address}")
    assert line.startswith(f"--set: archive.address: '{address}' is no address, expected")


def test_the_address_of_the_listings_says_where_the_sector_goes():
    (line,) = complaints("archive.listings=https://a.org/list.sh")
    assert "archive.listings: 'https://a.org/list.sh': expected {sector}" in line


def test_magnitudes_are_in_order():
    (line,) = complaints("archive.min_tmag=9.0", "archive.max_tmag=8.0")
    assert line == "--set: archive: min_tmag 9.0 is above max_tmag 8.0"
