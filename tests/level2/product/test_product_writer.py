"""Level 2 files are as DKIST has them, whatever inverted the map, and say where each pixel is."""

import gzip
import shutil
import subprocess
import warnings
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from cvzmpi.errors import CvzmpiError, MapFileError
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.extensions import IONS, QUANTITIES
from cvzmpi.level2.product.product_source import SlitPixels
from cvzmpi.level2.product.product_writer import write_product
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from tests.level2.product.example_source import (
    LOG_TAU,
    OTHER,
    WAVELENGTHS,
    ExampleSource,
    KilledError,
    small_source,
)
from tests.level2.product.pointed_level1 import make_pointed_level1
from tests.main_job import bytes_of

dkist = pytest.importorskip("dkist", reason="products are read with the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")

CREATED = datetime(2024, 5, 1, 12)
INVERSION_ID = "inv.ABC123"
_UNITS = ("arcsec", "arcsec", "s")
OF_LEVEL_2 = {"LEVEL", "EXTNAME", "WCSNAME"}
"""Keywords with other values in DKIST's Level 2 than the specification, of Level 1, allows."""

SLIT = np.arange(4.0)
"""Pixels along the slit: 16 pixels of the product, with its first four scan positions."""


@pytest.fixture(scope="session")
def level1_directory(tmp_path_factory):
    return make_pointed_level1(tmp_path_factory.mktemp("pointed") / "dataset")


@pytest.fixture(scope="session")
def level1(level1_directory):
    return read_level1(level1_directory)


@pytest.fixture(scope="session")
def two_maps(tmp_path_factory):
    """The second map of a dataset that has two."""
    directory = make_pointed_level1(tmp_path_factory.mktemp("pointed") / "two", n_maps=2)
    return read_level1(directory, 1)


def write(source, directory):
    return write_product(source, directory, INVERSION_ID, CREATED)


@pytest.fixture(scope="session", params=["depths", "one value", "second map"])
def written(request, level1, two_maps, tmp_path_factory):
    """A source and its product: with depths, without, and of the second of two maps."""
    source = {
        "depths": ExampleSource(level1),
        "one value": ExampleSource(
            level1, slit=SlitPixels(0, 1), n_slit=24, n_steps=5, log_tau=None, lines=("FeI630",)
        ),
        "second map": ExampleSource(two_maps),
    }[request.param]
    return source, write(source, tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="session")
def product(level1, tmp_path_factory):
    """A product with depths."""
    return write(ExampleSource(level1), tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="session")
def small(level1, tmp_path_factory):
    """A product of few results."""
    return write(small_source(level1), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """DKIST's own product, without its FITS files."""
    from dkist.data import test

    packed = next(iter(test.__path__)) + "/test_L2_inversion.asdf.gz"
    path = tmp_path_factory.mktemp("sample") / "sample.asdf"
    with gzip.open(packed) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return dkist.load_dataset(path)


# ----------------------------------------------------------------- as DKIST has them


def test_the_lines_are_those_that_programs_are_selected_for():
    assert IONS.keys() == KNOWN_LINES.keys()


def test_all_keywords_of_dkist_own_files_are_there(product, sample):
    with fits.open(product.fits[0]) as units:
        assert set(sample.meta["headers"].colnames) <= set(units[0].header)
        theirs = sample["temperature"].meta["headers"].colnames
        assert set(theirs) <= set(units["Temperature"].header)
        theirs = sample.profiles["CaII854_fit"].meta["headers"].colnames
        assert set(theirs) <= set(units["Ca II Profile Fit"].header)


def test_names_types_units_and_order_are_those_of_dkist_own_files(product, sample):
    with fits.open(product.fits[0]) as units:
        for members in (sample, sample.profiles):
            for name, member in members.items():
                theirs = member.meta["headers"][0]
                ours = units[member.files._fm._striped_external_array.target].header
                for key in ("EXTNAME", "BTYPE", "BUNIT", "BZERO", "BSCALE"):
                    assert ours[key] == theirs[key], (name, key)
        for key in ("CTYPE1", "CTYPE2", "CTYPE3", "CTYPE1A", "CTYPE2A", "CTYPE3A", "WCSNAMEA"):
            assert units[1].header[key] == sample["temperature"].meta["headers"][0][key]


def test_the_file_names_are_dkist_own(product):
    assert product.asdf.name == "INV_ABC123_L2_metadata.asdf"
    with fits.open(product.fits[0]) as units:
        begin = datetime.fromisoformat(units[0].header["DATE-BEG"])
        stamp = begin.strftime("%Y_%m_%dT%H_%M_%S_%f")[:-3]
        assert product.fits[0].name == f"INV_ABC123_{stamp}_L2.fits"
        assert units[0].header["FILENAME"] == product.fits[0].name


def test_the_primary_header_says_whose_data_they_are_and_what_was_done(written):
    source, product = written
    for step, path in enumerate(product.fits):
        level1 = source.level1.headers()[step]
        with fits.open(path) as units:
            header = units[0].header
        for key in ("PROP_ID", "EXPER_ID", "IP_ID", "OBSPR_ID", "DATE-BEG", "TAZIMUTH", "ATMOS_R0"):
            assert header[key] == level1[key]
        expected = {
            **{"NPROPOS": 1, "PROPID01": level1["PROP_ID"]},
            **{"NEXPERS": 1, "EXPRID01": level1["EXPER_ID"]},
            **{"HEADVERS": "L2.0.3.1", "INFO_URL": "https://docs.dkist.nso.edu"},
            "HEAD_URL": "https://docs.dkist.nso.edu/projects/data-products/en/L2.0.3.1",
            **{"LEVEL": 2, "PROCTYPE": "L2", "DSETID": INVERSION_ID},
            **{"INVMODEL": source.model, "INVVERS": source.commit, "DATE": "2024-05-01T12:00:00"},
            "FRAMEVOL": path.stat().st_size / 1e6,
        }
        assert expected == {key: header[key] for key in expected}
        assert " ".join(source.notes).strip() in " ".join(header["COMMENT"]).strip()


def test_each_file_has_an_id_of_its_own_that_stays(small, level1, tmp_path):
    def ids(product):
        return [UUID(fits.getheader(path)["FILE_ID"]) for path in product.fits]

    assert len(set(ids(small))) == len(small.fits)
    assert ids(write(small_source(level1), tmp_path)) == ids(small)
    other = write_product(small_source(level1), tmp_path, "inv.OTHER1", CREATED)
    assert not set(ids(other)) & set(ids(small))


def test_values_agree_with_dkist_header_specification(product):
    from dkist_fits_specifications.spec214 import load_spec214

    known = {key: rule for section in load_spec214().values() for key, rule in section.items()}
    types = {"int": int, "float": (int, float), "str": str, "bool": bool}
    checked = set()
    with fits.open(product.fits[0]) as units:
        for unit in units:
            for key, value in unit.header.items():
                rule = known.get(key)
                if rule is None or key in checked | OF_LEVEL_2:
                    continue
                checked.add(key)
                assert isinstance(value, types[rule["type"]]), (key, value)
                if rule.get("values"):
                    assert value in rule["values"], (key, value)
    assert len(checked) > 50


def test_ranges_are_those_of_the_values(written):
    with fits.open(written[1].fits[1]) as units:
        for unit in units[1:]:
            assert unit.header["DATAMIN"] == pytest.approx(unit.data.min(), rel=1e-7)
            assert unit.header["DATAMAX"] == pytest.approx(unit.data.max(), rel=1e-7)


def test_profiles_name_their_ion_and_kind(product):
    with fits.open(product.fits[0]) as units:
        found = [
            (unit.header["SPECPFIN"], unit.header["SPECPFTP"])
            for unit in units[1:]
            if "SPECPFIN" in unit.header
        ]
    ions = [IONS[line].name for line in WAVELENGTHS]
    assert found == [(ion, kind) for ion in ions for kind in ("Original", "Fit")]


def test_values_that_are_not_numbers_have_no_range(level1, tmp_path):
    class Empty(ExampleSource):
        def _position(self, step):
            position = super()._position(step)
            if step == 1:
                position.quantities["temperature"][:] = np.nan
            return position

    product = write(Empty(level1, log_tau=None, lines=("FeI630",)), tmp_path)
    with fits.open(product.fits[1]) as units:
        assert "DATAMIN" not in units["Temperature"].header
    column = dkist.load_dataset(product.asdf)["temperature"].meta["headers"]["DATAMIN"]
    assert list(column.mask) == [False, True, False, False]


def test_fitsverify_and_astropy_find_nothing_wrong(written):
    for path in written[1].fits:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(path, checksum=True) as units:
                units.verify("exception")
                for unit in units:
                    assert unit.verify_datasum() == unit.verify_checksum() == 1
                for unit in units[1:]:
                    for key in (" ", "A"):
                        assert WCS(unit.header, key=key).naxis == unit.header["NAXIS"]
    if shutil.which("fitsverify") is None:
        pytest.skip("fitsverify is not installed")
    for path in written[1].fits:
        told = subprocess.run(["fitsverify", path], capture_output=True, text=True, check=False)
        assert "found 0 warning(s) and 0 error(s)" in told.stdout, told.stdout
        assert told.returncode == 0


# ----------------------------------------------------------------- where each pixel is


@pytest.mark.parametrize("key", [" ", "A"], ids=["helioprojective", "equatorial"])
def test_both_world_coordinates_are_those_of_the_level_1_frame(written, key):
    """To 1e-9 arcsec: the cards have 16 digits."""
    source, product = written
    for step in range(4):
        of_level1 = WCS(fits.Header(_of_the_wcs(source.level1.headers()[step])), key=key)
        middles = source.slit.first + source.slit.n_binned * (SLIT + 0.5) - 0.5
        expected = of_level1.wcs_pix2world(np.outer(middles, [1, 0, 0]), 0)[:, [0, 2]]
        with fits.open(product.fits[step]) as units:
            for unit in units[1:]:
                wcs = WCS(unit.header, key=key)
                pixels = np.zeros((len(SLIT), wcs.naxis))
                pixels[:, -2] = SLIT
                place = wcs.wcs_pix2world(pixels, 0)[:, -2:]
                assert np.abs(place - expected).max() * 3600 < 1e-9


def test_the_coordinates_of_members_are_those_of_the_fits_files(written):
    """To 1e-6 arcsec.

    The pointing is one that drifts and turns from one scan position to the next; `gwcs` takes it
    from the tables of Level 1, the FITS files from the headers.
    """
    source, product = written
    opened = dkist.load_dataset(product.asdf)
    members = {**opened, **opened.profiles, **opened.meta["maps"]}
    for step in range(4):
        with fits.open(product.fits[step]) as units:
            assert len(units) == 1 + len(members)
            for cube in members.values():
                wcs = WCS(units[cube.files._fm._striped_external_array.target].header)
                pixels = np.zeros((len(SLIT), wcs.naxis))
                pixels[:, -2] = SLIT
                latitude, longitude = wcs.wcs_pix2world(pixels, 0).T[-2:] * 3600
                pixels[:, -1] = step
                of_member = cube.wcs.low_level_wcs
                values = of_member.pixel_to_world_values(*pixels.T)
                world = dict(zip(of_member.world_axis_physical_types, values, strict=True))
                for name, expected in (("lon", longitude), ("lat", latitude)):
                    away = world[f"custom:pos.helioprojective.{name}"] - expected
                    away = (away + 648_000) % 1_296_000 - 648_000  # longitudes go once round
                    assert np.abs(away).max() < 1e-6
                seconds = 1.5 * (step + source.level1.n_steps * source.level1.map_number)
                assert world["time"] == pytest.approx(seconds)


def test_depths_and_wavelengths_are_those_of_the_source(product):
    opened = dkist.load_dataset(product.asdf)
    depths = opened["temperature"].wcs.low_level_wcs.pixel_to_world_values(np.arange(17), 0, 0)[0]
    assert depths == pytest.approx(LOG_TAU, abs=1e-12)
    for line, expected in WAVELENGTHS.items():
        wcs = opened.profiles[f"{line}_orig"].wcs.low_level_wcs
        stokes, found, *_ = wcs.pixel_to_world_values(2, np.arange(len(expected)), 0, 0)
        assert found == pytest.approx(expected, abs=1e-9)
        assert stokes == 3
    with fits.open(product.fits[0]) as units:
        for unit in units[1:]:
            header = unit.header
            assert header["WCSAXES"] == header["WCSAXESA"] == header["NAXIS"]
            assert header["WCSVALID"] is True
        depth = units["Temperature"].header
        assert (depth["CTYPE1"], depth["CRPIX1"], depth["CRVAL1"]) == ("LOGTAU", 13, 0)
        assert depth["CDELT1"] == pytest.approx(-0.1)
        assert units[0].header["NAXIS"] == 0


def test_the_coordinates_of_level_1_are_kept(product, level1, sample):
    kept = dkist.load_dataset(product.asdf).meta["l1gwcs"]
    assert kept.keys() == sample.meta["l1gwcs"].keys()
    longitude, _, latitude, time, _ = level1.wcs(7, 0, 2, 0)
    from astropy import units as u

    found = kept["transform"](7 * u.pix, 2 * u.pix)
    assert [value.to_value(unit) for value, unit in zip(found, _UNITS, strict=True)] == (
        pytest.approx([longitude, latitude, time])
    )
    assert type(kept["helioFrame"]) is type(sample.meta["l1gwcs"]["helioFrame"])


def test_no_second_description_where_level_1_has_none(level1, tmp_path):
    class Without(type(level1)):
        def headers(self):
            return [{**header, "CTYPE1A": "?", "WCSVALID": False} for header in super().headers()]

    product = write(small_source(Without(**vars(level1))), tmp_path)
    with fits.open(product.fits[0]) as units:
        assert not any(key.endswith("A") for key in units[1].header)
        assert units[1].header["WCSVALID"] is False


# ----------------------------------------------------------------- what dkist reads


def test_everything_is_equal_to_the_source_to_the_last_bit(written):
    source, product = written
    opened = dkist.load_dataset(product.asdf)
    positions = [source._position(step) for step in range(source.n_steps)]

    def assert_equal(cube, expected):
        assert np.array_equal(cube.data.compute(), np.array(expected))

    for name in QUANTITIES:
        assert_equal(opened[name], [position.quantities[name] for position in positions])
    for name in ("gas_pressure", "density"):
        uncertainty = opened[f"{name}_uncertainty"]
        assert uncertainty.unit == opened[name].unit
        assert_equal(uncertainty, [position.uncertainties[name] for position in positions])
    for number, line in enumerate(source.lines):
        for kind, attribute in (("orig", "original"), ("fit", "fit")):
            expected = [getattr(position.profiles[number], attribute) for position in positions]
            assert_equal(opened.profiles[f"{line}_{kind}"], expected)
    maps = opened.meta["maps"]
    assert_equal(maps["chi_squared"], [position.chi_squared for position in positions])
    assert_equal(maps["status"], [position.status for position in positions])
    assert_equal(maps["number_of_cycles"], [position.more[0][1] for position in positions])


def test_the_record_has_the_keys_of_dkist_own(product, sample):
    opened = dkist.load_dataset(product.asdf)
    ours, theirs = opened.meta["inventory"], sample.meta["inventory"]
    assert theirs.keys() <= ours.keys()
    assert type(ours["created"]) is type(theirs["created"])
    assert ours["created"].isot == "2024-05-01T12:00:00.000"
    assert ours["datasetIds"] == ["BXPJD", "BVNED", "BWRGZ"]
    assert ours["spectralLines"] == ["NaID", "FeI630", "CaII854"]
    assert sorted(ours["wavelengths"]) == sorted(theirs["wavelengths"])
    assert ours["frameCount"] == len(opened.meta["headers"]) == 4
    assert sample.meta.keys() <= opened.meta.keys()
    assert opened.meta["axes"] == ["frame_y", "slit_x", "optical_depth"]
    for name in ("ion", "wavelength", "profile"):
        assert opened.profiles["NaID_fit"].meta[name] == sample.profiles["NaID_fit"].meta[name]


def test_axes_are_aligned_as_in_dkist_own(product, sample):
    opened = dkist.load_dataset(product.asdf)
    assert opened.aligned_axes["velocity"] == sample.aligned_axes["velocity"]
    assert opened.profiles.aligned_axes["FeI630_fit"] == sample.profiles.aligned_axes["FeI630_fit"]
    ours, theirs = opened["velocity"].wcs, sample["velocity"].wcs
    assert ours.low_level_wcs.pixel_axis_names == theirs.low_level_wcs.pixel_axis_names
    ours, theirs = opened.profiles["NaID_fit"].wcs, sample.profiles["NaID_fit"].wcs
    assert ours.low_level_wcs.pixel_axis_names == theirs.low_level_wcs.pixel_axis_names


def test_uncertainties_are_sliced_with_their_quantities(product):
    part = dkist.load_dataset(product.asdf)[1:3, 2:, 5]
    assert part["density"].data.shape == part["density_uncertainty"].data.shape == (2, 2)
    assert part.profiles["FeI630_orig"].data.shape == (2, 2, 5, 4)
    assert part.meta["maps"]["chi_squared"][1:3, 2:].data.shape == (2, 2)


def test_the_check_accepts_what_is_written(written):
    source, product = written
    checked = check_product([product.directory])
    assert checked.inversion_id == INVERSION_ID
    assert checked.shape == [source.n_steps, source.n_slit]
    assert sorted(checked.quantities) == sorted(QUANTITIES)
    assert sorted(checked.lines) == sorted(source.lines)
    assert checked.checksums.keys() == {str(path) for path in (*product.fits, product.asdf)}


# ----------------------------------------------------------------- killed, and gone on with


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_killed_write_is_finished_as_if_it_had_not_been(small, level1, tmp_path, stop_at):
    with pytest.raises(KilledError):
        write(small_source(level1, stop_at=stop_at), tmp_path)
    (tmp_path / f"{small.fits[stop_at].name}.new").write_bytes(b"half")
    source = small_source(level1)
    write(source, tmp_path)
    assert source.asked == [0, *range(stop_at, 4)]  # the first tells what is in the files
    assert bytes_of(tmp_path) == bytes_of(small.directory)


def test_a_file_that_is_whole_stays_and_a_damaged_one_is_made_anew(small, level1, tmp_path):
    shutil.copytree(small.directory, tmp_path, dirs_exist_ok=True)
    cut, changed, stale, kept = (tmp_path / path.name for path in small.fits)
    cut.write_bytes(cut.read_bytes()[:5760])
    damaged = bytearray(changed.read_bytes())
    damaged[-2000] ^= 1
    changed.write_bytes(damaged)
    with fits.open(stale, mode="update") as units:
        units[0].header["INVVERS"] = "earlier"
        units[0].add_checksum()
    before = kept.stat()
    source = small_source(level1)
    write(source, tmp_path)
    assert source.asked == [0, 0, 1, 2]
    assert kept.stat().st_mtime_ns == before.st_mtime_ns
    assert kept.stat().st_ino == before.st_ino
    assert bytes_of(tmp_path) == bytes_of(small.directory)


def test_an_asdf_file_under_an_earlier_name_is_replaced(small, level1, tmp_path):
    (tmp_path / "INV_L2_20240417T202526_ABC123_metadata.asdf").touch()
    (tmp_path / "INV_L2_20240417T202526_OTHER1_metadata.asdf").touch()
    write(small_source(level1), tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.asdf")) == [
        "INV_ABC123_L2_metadata.asdf",
        "INV_L2_20240417T202526_OTHER1_metadata.asdf",
    ]


# ----------------------------------------------------------------- what contradicts itself


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"n_steps": 6}, "6 scan positions: Level 1 has 5"),
        ({"n_steps": 0}, "0 scan positions: Level 1 has 5"),
        ({"slit": SlitPixels(5, 5)}, "4 pixels of 5 each, from 5 on: Level 1 has 24 along"),
        ({"log_tau": LOG_TAU**2}, r"depths from 1\.44 to 0\.16: expected equally spaced"),
    ],
)
def test_a_source_that_does_not_fit_level_1_is_refused(level1, tmp_path, changed, told):
    with pytest.raises(MapFileError, match=told):
        write(replace(ExampleSource(level1), **changed), tmp_path / "p")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: p.quantities.update(colour=p.chi_squared), "colour: no quantity of Level 2"),
        (lambda p: p.quantities.clear(), "no quantity: expected at least one"),
        (lambda p: p.quantities.update(density=p.chi_squared), r"density: has shape \(4,\)"),
        (lambda p: p.profiles.append(replace(p.profiles[0], line="H")), "H: no spectral line"),
        (
            lambda p: p.profiles.append(replace(p.profiles.pop(), fit=p.profiles[0].fit)),
            r"CaII854_fit: has shape \(4, 7, 4\) at a scan position, expected \(4, 6, 4\)",
        ),
    ],
)
def test_results_that_contradict_themselves_are_refused(level1, tmp_path, change, told):
    class Changed(ExampleSource):
        def _position(self, step):
            position = super()._position(step)
            change(position)
            return position

    with pytest.raises(MapFileError, match=told):
        write(Changed(level1), tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_results_that_change_on_the_way_are_refused(level1, tmp_path):
    class Changing(ExampleSource):
        def _position(self, step):
            position = super()._position(step)
            return replace(position, chi_squared=None) if step == 2 else position

    with pytest.raises(CvzmpiError, match="results differ in kind or shape from the first ones"):
        write(Changing(level1), tmp_path)


def test_two_scan_positions_of_one_time_are_refused(level1, tmp_path):
    class Same(type(level1)):
        def headers(self):
            return [super().headers()[0]] * 5

    with pytest.raises(MapFileError, match="two scan positions begin at the same time"):
        write(ExampleSource(Same(**vars(level1))), tmp_path / "p")


def _of_the_wcs(header):
    names = ("CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT", "PC", "LONPOLE", "NAXIS", "WCSAXES")
    return {key: value for key, value in header.items() if key.startswith(names)}


def test_further_results_are_named_after_their_extension(product):
    with fits.open(product.fits[0]) as units:
        assert units[-1].header["EXTNAME"] == OTHER.name
