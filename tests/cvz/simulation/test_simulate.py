"""The simulated light curves: reproducible, like the archive's, and true to their truth."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.simulation.invented_star import FlareLaw, draw_star, rotation
from cvzmpi.cvz.simulation.simulate import (
    EXPOSURE,
    FIRST_TIC,
    MAX_CADENCES,
    N_CADENCES,
    SECTORS,
    TRUTH_DTYPE,
    _measure,
    read_truth,
    simulate_campaign,
    simulate_light_curve,
)
from cvzmpi.cvz.simulation.spoc_fits import file_name, write_spoc_fits
from cvzmpi.errors import ConfigError

BITMASK = 16575
SHARED_TESS = Path(__file__).parents[3].parent / "shared" / "data" / "tess"


@pytest.fixture(scope="module")
def sample():
    """Forty full light curves with the flares in them."""
    return [simulate_light_curve(FIRST_TIC + n, 1, 5) for n in range(40)]


def same(first, second):
    fields = ("time", "flux", "flux_err", "quality")
    return all(
        np.array_equal(getattr(first, f), getattr(second, f), equal_nan=True) for f in fields
    )


def test_same_seed_same_light_curve_and_truth():
    first, first_truth = simulate_light_curve(FIRST_TIC, 3, 8)
    second, second_truth = simulate_light_curve(FIRST_TIC, 3, 8)
    assert same(first, second)
    assert np.array_equal(first_truth, second_truth)


@pytest.mark.parametrize(("tic", "sector", "seed"), [(1, 3, 8), (0, 4, 8), (0, 3, 9)])
def test_another_star_sector_or_seed_is_another_light_curve(tic, sector, seed):
    first, _ = simulate_light_curve(FIRST_TIC, 3, 8)
    second, _ = simulate_light_curve(FIRST_TIC + tic, sector, seed)
    assert not np.array_equal(first.flux, second.flux, equal_nan=True)


def test_more_flares_leave_everything_else_as_it_is():
    none, no_flares = simulate_light_curve(FIRST_TIC, 1, 8, flares=FlareLaw(active_per_day=0))
    some, flares = simulate_light_curve(FIRST_TIC, 1, 8, active=True)
    assert len(no_flares) == 0 < len(flares)
    assert np.array_equal(none.quality, some.quality)
    before_all = none.time < flares["time"][0] - 0.1
    assert np.array_equal(none.flux[before_all], some.flux[before_all], equal_nan=True)


def test_light_curve_has_the_types_of_the_archive():
    light_curve, truth = simulate_light_curve(FIRST_TIC, 2, 1)
    kinds = [a.dtype for a in (light_curve.time, light_curve.flux, light_curve.flux_err)]
    assert kinds == [np.float64, np.float32, np.float32]
    assert light_curve.quality.dtype == np.int32
    assert light_curve.n_cadences == N_CADENCES
    assert light_curve.exposure * 86400 == pytest.approx(120)
    assert truth.dtype == TRUTH_DTYPE


def test_gaps_and_flags_are_like_those_of_real_sectors(sample):
    for light_curve, _ in sample:
        usable = light_curve.usable(BITMASK)
        assert 0.75 < usable.mean() < 0.97
        gap = np.diff(light_curve.time[usable]).max()
        assert 0.85 < gap < 4.8
        assert np.all(np.isfinite(light_curve.time[usable]))
        assert not np.any(np.isfinite(light_curve.flux) & np.isnan(light_curve.time))
        assert set(np.unique(light_curve.quality[usable])) <= {0, 512}
        assert 4 <= np.sum(np.diff((light_curve.quality & 32 > 0).astype(int)) == 1) <= 11


def test_noise_is_what_the_errors_say(sample):
    for light_curve, _ in sample:
        steps = np.diff(light_curve.flux) / np.sqrt(2)
        scatter = 1.4826 * np.nanmedian(np.abs(steps))
        assert scatter == pytest.approx(np.nanmedian(light_curve.flux_err), rel=0.1)


@pytest.mark.parametrize(
    ("magnitude", "flux", "relative_error"),
    # of the real light curves of TIC 261136679, 166527623, 149603524, 25155310 and 425933644
    [
        (5.105, 1464600, 8.9e-5),
        (9.175, 35993, 6.46e-4),
        (9.716, 20916, 8.6e-4),
        (10.555, 9247, 1.34e-3),
        (11.4, 4054, 2.4e-3),
    ],
)
def test_flux_and_error_follow_the_magnitude_as_in_real_light_curves(
    magnitude, flux, relative_error
):
    star = replace(draw_star(FIRST_TIC, 1), magnitude=magnitude)
    _, error = _measure(np.random.default_rng(1), np.full(3, star.flux), np.zeros(3, np.int32))
    assert star.flux == pytest.approx(flux, rel=0.1)
    assert error[0] / star.flux == pytest.approx(relative_error, rel=0.15)


def test_stars_are_quiet_or_active_and_vary_by_rotation():
    stars = [draw_star(FIRST_TIC + n, 5) for n in range(400)]
    assert 0.6 < np.mean([star.active for star in stars]) < 0.8
    periods = [star.rotation_period for star in stars]
    assert 0.5 <= min(periods) < 1 < 10 < max(periods) <= 12


def test_a_star_keeps_its_properties_through_its_sectors():
    one, _ = simulate_light_curve(FIRST_TIC, 1, 5)
    other, _ = simulate_light_curve(FIRST_TIC, 2, 5)
    assert one.header == other.header
    assert np.nanmax(one.time) < np.nanmin(other.time)


def test_active_stars_flare_ten_to_twenty_times_and_quiet_ones_hardly(sample):
    active = [len(t) for c, t in sample if draw_star(c.tic, 5).active]
    quiet = [len(t) for c, t in sample if not draw_star(c.tic, 5).active]
    assert 11 < np.mean(active) < 19
    assert np.mean(quiet) < 3


def test_truth_describes_the_flares(sample):
    for light_curve, truth in sample:
        assert np.all(truth["tic"] == light_curve.tic)
        assert np.all(np.diff(truth["time"]) >= 0)
        assert np.all(truth["equivalent_duration"] >= 2)
        expected = equivalent_duration(truth["amplitude"], truth["fwhm"])
        np.testing.assert_allclose(truth["equivalent_duration"], expected)
        time = light_curve.time[truth["cadence"]]
        observed = truth["observed"]
        assert np.all(np.abs(time - truth["time"])[observed] <= EXPOSURE / 2 * (1 + 1e-6))
        assert np.array_equal(observed, np.isfinite(light_curve.flux[truth["cadence"]]))


def test_the_flux_holds_the_equivalent_duration_of_the_truth():
    law = FlareLaw(active_per_day=1.0, min_duration=200, max_duration=300)
    kwargs = {"active": True, "n_cadences": 5000}
    flaring, truth = simulate_light_curve(FIRST_TIC, 1, 2, flares=law, **kwargs)
    quiet, _ = simulate_light_curve(FIRST_TIC, 1, 2, flares=FlareLaw(active_per_day=0), **kwargs)
    excess = (flaring.flux - quiet.flux) / np.nanmedian(quiet.flux)
    alone = np.diff(truth["time"], append=np.inf) > 0.15
    checked = 0
    for flare in truth[alone]:
        near = slice(max(flare["cadence"] - 10, 0), flare["cadence"] + 100)
        if np.isfinite(excess[near]).all() and len(excess[near]) == 110:
            measured = excess[near].sum() * EXPOSURE * 86400
            assert measured == pytest.approx(flare["equivalent_duration"], rel=0.1)
            checked += 1
    assert checked


@pytest.mark.parametrize("index", [1.0, 1.8, 2.5])
def test_equivalent_durations_follow_the_power_law(index):
    law = FlareLaw(index=index, min_duration=1, max_duration=100)
    durations = law.durations(np.linspace(0, 1, 100_001))
    assert durations[[0, -1]] == pytest.approx([1, 100])
    counts, edges = np.histogram(durations, np.geomspace(1, 100, 9))
    centres = np.sqrt(edges[1:] * edges[:-1])
    slope = np.polyfit(np.log(centres), np.log(counts / np.diff(edges)), 1)[0]
    assert slope == pytest.approx(-index, abs=0.02)


@pytest.mark.parametrize("n_cadences", [10, 150, 3000, MAX_CADENCES])
def test_short_light_curves_are_whole_sectors_in_small(n_cadences):
    light_curve, truth = simulate_light_curve(FIRST_TIC, 1, 1, n_cadences=n_cadences, active=True)
    assert light_curve.n_cadences == n_cadences
    assert 0.4 < light_curve.usable(BITMASK).mean() < 1
    assert np.all(truth["cadence"] < n_cadences)


@pytest.mark.parametrize("n_cadences", [0, 9, MAX_CADENCES + 1])
def test_impossible_lengths_are_refused_in_one_line(n_cadences):
    with pytest.raises(ConfigError, match="expected 10 to"):
        simulate_light_curve(FIRST_TIC, 1, 1, n_cadences=n_cadences)


def test_file_gives_back_the_light_curve(tmp_path):
    light_curve, _ = simulate_light_curve(FIRST_TIC, 1, 1, n_cadences=3000)
    path = tmp_path / file_name(light_curve)
    write_spoc_fits(path, light_curve)
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        primary, header, table = hdus[0].header, hdus[1].header, hdus[1].data
        read = LightCurve(
            tic=primary["TICID"],
            sector=primary["SECTOR"],
            time=table["TIME"],
            flux=table["PDCSAP_FLUX"],
            flux_err=table["PDCSAP_FLUX_ERR"],
            quality=table["QUALITY"],
            exposure=header["TIMEDEL"],
        )
        assert same(read, light_curve)
        assert (read.tic, read.sector) == (light_curve.tic, light_curve.sector)
        assert read.exposure == pytest.approx(EXPOSURE, rel=1e-12)
        assert np.all(np.diff(table["CADENCENO"]) == 1)
        assert primary["SIMDATA"] is True
        assert "simulation" in primary["ORIGIN"]
        for keyword, value in light_curve.header.items():
            assert primary[keyword] == value


def test_file_name_is_the_archives_pattern():
    light_curve, _ = simulate_light_curve(FIRST_TIC, 12, 1, n_cadences=10)
    assert file_name(light_curve) == "tess2019143044700-s0012-0000009000000001-0000-s_lc.fits"


def test_a_light_curve_without_any_time_is_refused(tmp_path):
    nan, none = np.full(20, np.nan), np.zeros(20, np.int32)
    with pytest.raises(ConfigError, match="no cadence has time"):
        write_spoc_fits(tmp_path / "x.fits", LightCurve(1, 1, nan, nan, nan, none, EXPOSURE))


def test_lightkurve_reads_it_as_a_tess_light_curve(tmp_path):
    lightkurve = pytest.importorskip("lightkurve")
    light_curve, _ = simulate_light_curve(FIRST_TIC, 1, 1, n_cadences=3000)
    path = tmp_path / file_name(light_curve)
    write_spoc_fits(path, light_curve)
    read = lightkurve.read(str(path), quality_bitmask=BITMASK).remove_nans()
    assert type(read) is lightkurve.TessLightCurve
    assert (read.targetid, read.sector) == (light_curve.tic, 1)
    usable = light_curve.usable(BITMASK)
    assert np.array_equal(read.time.value, light_curve.time[usable])
    assert np.array_equal(read.flux.value, light_curve.flux[usable])


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED_TESS.is_dir(), reason="no real light curves in ../shared/data/tess")
def test_files_have_the_columns_and_cards_of_real_ones(tmp_path):
    light_curve, _ = simulate_light_curve(FIRST_TIC, 1, 1, n_cadences=100)
    write_spoc_fits(tmp_path / "x.fits", light_curve)
    not_simulated = {
        *("DATE", "PXTABLE", "PMRA", "PMDEC", "PMTOTAL", "CRMITEN", "CRBLKSZ", "CRSPOC"),
    }
    detector = {f"{name}{output}" for name in ("GAIN", "READNOI") for output in "ABCD"}
    for path in sorted(SHARED_TESS.glob("*_lc.fits"))[:3]:
        with fits.open(path) as real, fits.open(tmp_path / "x.fits") as ours:
            assert [h.name for h in real] == [h.name for h in ours]
            for attribute in ("names", "formats", "units", "disps"):
                theirs = getattr(real[1].columns, attribute)
                assert getattr(ours[1].columns, attribute) == theirs
            missing = set(real[0].header) - set(ours[0].header) - not_simulated
            assert not missing
            up_to_time = list(real[1].header)[: list(real[1].header).index("NREADOUT")]
            assert not set(up_to_time) - set(ours[1].header) - detector


def campaign(directory, seed=4, **kwargs):
    kwargs = {"sectors_per_star": 2, "n_cadences": 500, **kwargs}
    return simulate_campaign(directory, 2, seed, **kwargs)


def test_campaign_writes_the_same_bytes_again(tmp_path):
    first, second = campaign(tmp_path / "a"), campaign(tmp_path / "b")
    assert [p.name for p in first] == [p.name for p in second]
    assert len({p.name for p in first}) == 4
    for name in [p.name for p in first] + ["truth.csv"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(
        [p.name for p in first] + ["truth.csv"]
    )


def test_campaign_truth_is_that_of_its_light_curves(tmp_path):
    campaign(tmp_path, n_cadences=3000, active=True)
    truth = read_truth(tmp_path / "truth.csv")
    units = [(FIRST_TIC + n, sector) for n in range(2) for sector in SECTORS[:2]]
    expected = [simulate_light_curve(*u, 4, n_cadences=3000, active=True)[1] for u in units]
    assert len(truth)
    assert np.array_equal(truth, np.concatenate(expected))


def test_campaign_of_quiet_stars_has_an_empty_truth(tmp_path):
    campaign(tmp_path, active=False, flares=FlareLaw(quiet_per_day=0))
    assert read_truth(tmp_path / "truth.csv").shape == (0,)


def test_campaign_goes_on_where_it_was_interrupted(tmp_path):
    paths = campaign(tmp_path)
    kept, lost = paths[0].stat().st_mtime_ns, paths[2].read_bytes()
    paths[2].unlink()
    campaign(tmp_path)
    assert paths[0].stat().st_mtime_ns == kept
    assert paths[2].read_bytes() == lost


def test_campaign_replaces_other_content_only_when_asked(tmp_path):
    paths = campaign(tmp_path)
    before = {p: p.read_bytes() for p in [*paths, tmp_path / "truth.csv"]}
    with pytest.raises(ConfigError, match="exists with other content"):
        campaign(tmp_path, seed=5, active=True)
    assert before == {p: p.read_bytes() for p in before}
    campaign(tmp_path, seed=5, overwrite=True)
    assert before != {p: p.read_bytes() for p in before}


def test_campaign_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(ConfigError, match="cannot be written"):
        campaign(tmp_path / "file" / "below")


@pytest.mark.parametrize("wrong", [{"sectors_per_star": 0}, {"sectors_per_star": 27}])
def test_campaign_of_impossible_size_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match="expected 1 to 26"):
        campaign(tmp_path, **wrong)
    with pytest.raises(ConfigError, match="at least 1"):
        simulate_campaign(tmp_path, 0, 1)


def test_simulating_needs_no_astropy():
    code = (
        "import sys; from cvzmpi.cvz.simulation import simulate as s;"
        "s.simulate_light_curve(s.FIRST_TIC, 1, 1, n_cadences=100);"
        "sys.exit('astropy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("tic", range(20))
def test_spots_come_into_view_gradually(tic):
    """A corner at the limb looks like a flare, and no mirror image has any."""
    star = draw_star(FIRST_TIC + tic, seed=5)
    phase = 2 * np.pi * EXPOSURE / star.rotation_period  # between cadences
    bend = np.abs(np.diff(rotation(star, EXPOSURE * np.arange(N_CADENCES)), 2))
    assert bend.max() < 6 * len(star.spot_tilts) * star.rotation_amplitude * phase**2
