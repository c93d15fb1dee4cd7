"""Light curves as FITS: read whole, found by content, and one clear line for each bad one."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.simulation.simulate import FIRST_TIC, simulate_light_curve
from cvzmpi.cvz.simulation.spoc_fits import write_spoc_fits
from cvzmpi.errors import ConfigError, LightCurveError

N = 300


@pytest.fixture(scope="module")
def simulated():
    return simulate_light_curve(FIRST_TIC, 4, 1, n_cadences=N)[0]


@pytest.fixture(scope="module")
def content(simulated, tmp_path_factory):
    """A good file, as bytes."""
    path = tmp_path_factory.mktemp("good") / "lc.fits"
    write_spoc_fits(path, simulated)
    return path.read_bytes()


@pytest.fixture
def write(tmp_path, content):
    """Write the good file, or other bytes, under a name."""

    def write(name, other=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if other is None else other)
        return path

    return write


@pytest.fixture
def changed(write):
    """Write the good file after a change by astropy."""

    def changed(change, name="changed.fits"):
        path = write(name)
        with fits.open(path, mode="update") as hdus:
            change(hdus)
        return path

    return changed


def complaint(path):
    """The one line about a bad file, which names it; no warnings beside it."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(LightCurveError) as caught:
            read_light_curve(path)
    assert warned == []
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def rejections(directory):
    """What a scan says of the bad files; no warnings beside it."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        sources, rejected = scan_directory(directory)
    assert [w for w in warned if w.category is not ResourceWarning] == []
    assert all(str(directory) in r.message and "\n" not in r.message for r in rejected)
    return sources, {r.name: r.message for r in rejected}


def columns(light_curve):
    return [getattr(light_curve, name) for name in ("time", "flux", "flux_err", "quality")]


def assert_same(one, other):
    for a, b in zip(columns(one), columns(other), strict=True):
        np.testing.assert_array_equal(a, b)


# ----------------------------------------------------------------- good files


def test_what_was_written_is_read(write, simulated, content):
    light_curve = read_light_curve(write("lc.fits"))
    assert_same(light_curve, simulated)
    assert [a.dtype for a in columns(light_curve)] == [
        np.dtype(t) for t in ("f8", "f4", "f4", "i4")
    ]
    assert (light_curve.tic, light_curve.sector) == (FIRST_TIC, 4)
    assert light_curve.exposure == 120 / 86400
    assert light_curve.n_cadences == N
    header = light_curve.header
    assert header["input_file"] == "lc.fits"
    assert header["input_sha256"] == hashlib.sha256(content).hexdigest()
    assert header["OBJECT"] == f"TIC {FIRST_TIC}"
    assert header["TESSMAG"] == simulated.header["TESSMAG"]
    assert (header["CROWDSAP"], header["FLFRCSAP"]) == (1.0, 1.0)  # of the extension's header
    assert all(isinstance(fact, str | int | float) for fact in header.values())


def test_gzipped_files_are_read_and_have_the_checksum_of_their_content(write, simulated, content):
    light_curve = read_light_curve(write("lc.fits.gz", gzip.compress(content)))
    assert_same(light_curve, simulated)
    assert light_curve.header["input_sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["noextension", "a b (1).FITS", "x.tmp", "été.fit", "sub/sub/lc"])
@pytest.mark.parametrize("compress", [False, True])
def test_light_curves_are_found_by_their_content_whatever_their_names(
    write, content, tmp_path, name, compress
):
    path = write(name, gzip.compress(content) if compress else content)
    assert scan_directory(tmp_path) == ([LightCurveSource(LightCurveId(FIRST_TIC, 4), path)], [])
    assert read_light_curve(path).n_cadences == N


def test_sources_are_in_the_order_of_target_and_sector(changed, tmp_path):
    identities = [(30, 2), (7, 11), (30, 1), (7, 3)]
    for number, (tic, sector) in enumerate(identities):

        def change(hdus, tic=tic, sector=sector):
            hdus[0].header["TICID"], hdus[0].header["SECTOR"] = tic, sector

        changed(change, f"{number}.fits")
    sources, rejected = scan_directory(tmp_path)
    assert [s.id for s in sources] == [LightCurveId(*pair) for pair in sorted(identities)]
    assert rejected == []


def test_other_files_in_the_directory_are_passed_over(write, tmp_path):
    write("lc.fits")
    write("truth.csv", b"tic,sector\n")
    write("notes.txt", b"")
    write("archive.gz", gzip.compress(b"no FITS"))
    assert [len(found) for found in scan_directory(tmp_path)] == [1, 0]


def test_a_file_that_ends_after_the_light_curve_is_read_whole(write, content, simulated):
    """The third extension, the aperture, is not needed."""
    with fits.open(write("whole.fits")) as hdus:
        end = hdus[2].fileinfo()["hdrLoc"]
    assert_same(read_light_curve(write("lc.fits", content[:end])), simulated)


# ----------------------------------------------------------------- bad files


def test_a_file_truncated_anywhere_is_refused(write, content):
    """In the headers, between them, in the table; never a light curve that lacks its end."""
    with fits.open(write("whole.fits")) as hdus:
        table = hdus[1].fileinfo()
        end = table["datLoc"] + hdus[1].header["NAXIS1"] * N
    lengths = [100, 2879, 2880, table["hdrLoc"], table["hdrLoc"] + 80, table["datLoc"]]
    lengths += [table["datLoc"] + 1, end - 1, *range(500, end, 2503)]
    for length in lengths:
        assert complaint(write("lc.fits", content[:length])).startswith("truncated or damaged: "), (
            length
        )


@pytest.mark.parametrize(
    "data", [b"", b"SIMP", b"no FITS at all", b"\x89HDF\r\n\x1a\n" + bytes(99)]
)
def test_what_is_no_fits_is_refused(write, tmp_path, data):
    assert complaint(write("lc.fits", data)).startswith("not a FITS file")
    assert list(rejections(tmp_path)[1]) == ["lc.fits"]


@pytest.mark.parametrize("n_bytes", [3, 12, 500, -3])
def test_a_truncated_gzip_file_is_refused(write, tmp_path, content, n_bytes):
    path = write("lc.fits.gz", gzip.compress(content)[:n_bytes])
    assert complaint(path).startswith("cannot be read: Compressed file ended")


def test_a_damaged_gzip_file_is_refused(write, tmp_path, content):
    damaged = bytearray(gzip.compress(content))
    damaged[100:130] = bytes(30)
    path = write("lc.fits.gz", bytes(damaged))
    assert complaint(path).startswith("cannot be read: ")
    sources, rejected = rejections(tmp_path)
    assert sources == []
    assert list(rejected) == ["lc.fits.gz"]


_ODD_VALUES = (
    "T",
    "-1",
    "0",
    "9" * 22,
    "1E400",
    "NaN",
    "'text'",
    "",
    "(1,2)",
    "1.5",
    "'2D'",
    "'PE(5)'",
)


def test_odd_cards_are_refused_or_do_not_matter(write, content):
    """Headers with a few values that no light curve has: a light curve, or one line, and soon."""
    rng = np.random.default_rng(0)
    with fits.open(write("whole.fits")) as hdus:
        n_cards = hdus[1].fileinfo()["datLoc"] // 80
    refused = []
    for _ in range(300):
        odd = bytearray(content)
        for card in rng.integers(0, n_cards, 3):
            value = _ODD_VALUES[rng.integers(len(_ODD_VALUES))]
            odd[80 * card + 10 : 80 * card + 80] = value.rjust(20).ljust(70).encode()
        path = write("lc.fits", bytes(odd))
        try:
            light_curve = read_light_curve(path)
        except LightCurveError as error:
            refused.append((path, str(error)))
        else:
            assert_same_types(light_curve)
    assert all(message.startswith(f"{path}: ") for path, message in refused)
    assert not any("\n" in message for _, message in refused)
    assert 10 < len(refused) < 250


def assert_same_types(light_curve):
    assert [a.dtype.str[1:] for a in columns(light_curve)] == ["f8", "f4", "f4", "i4"]
    assert type(light_curve.tic) is type(light_curve.sector) is int
    assert all(isinstance(fact, str | int | float) for fact in light_curve.header.values())


@pytest.mark.parametrize("keyword", ["NAXIS", "TFIELDS"])
def test_numbers_that_would_be_counted_up_to_are_refused_at_once(write, content, keyword):
    card = b"%-8s= %20d" % (keyword.encode(), 0 if keyword == "NAXIS" else 20)
    damaged = content.replace(card, b"%-8s= %20d" % (keyword.encode(), 10**19), 1)
    assert damaged != content
    assert complaint(write("lc.fits", damaged)) == (
        f"truncated or damaged: {keyword} = {10**19}: more than 999"
    )


def test_a_table_that_claims_more_rows_than_its_file_has_is_refused(write, content):
    card = b"NAXIS2  = %20d"
    path = write("lc.fits", content.replace(card % N, card % 10**12, 1))
    assert complaint(path).startswith(f"truncated or damaged: {len(content)} bytes, expected at ")


def test_what_is_larger_than_a_light_curve_is_refused_without_being_kept(write, tmp_path, content):
    """Nothing but a beginning is on disk: a file with a hole, and one that decompresses to more."""
    sparse = write("sparse.fits")
    with sparse.open("r+b") as file:
        file.truncate(10 * 1000**3)
    assert complaint(sparse).startswith("more than 100 MB")
    bomb = tmp_path / "bomb.fits.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(content)
        for _ in range(110):
            file.write(bytes(1000**2))
    assert complaint(bomb).startswith("more than 100 MB")


@pytest.mark.parametrize("place", ["lc.fits", "sub/lc.fits"])
def test_pipes_are_refused_and_not_waited_for(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert complaint(path) == "not a regular file"
    assert rejections(tmp_path) == ([], {place: f"{path}: no regular file"})


def test_damaged_headers_are_refused_or_do_not_matter(write, content, tmp_path):
    """A few random bytes in the headers: whatever astropy makes of them, no other error."""
    rng = np.random.default_rng(0)
    with fits.open(write("whole.fits")) as hdus:
        headers = hdus[1].fileinfo()["datLoc"]
    (tmp_path / "whole.fits").unlink()
    refused = []
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, headers, 5):
            damaged[place] = rng.integers(0, 256)
        path = write("lc.fits", bytes(damaged))
        try:
            assert read_light_curve(path).n_cadences > 0
        except LightCurveError as error:
            refused.append(str(error))
        sources, rejected = scan_directory(tmp_path)
        assert len(sources) + len(rejected) <= 1
    assert 5 < len(refused) < 145
    assert all(message.startswith(f"{path}: ") for message in refused)


def test_an_empty_table_is_refused(changed):
    def empty(hdus):
        hdus[1].data = hdus[1].data[:0]

    assert complaint(changed(empty)) == "the light curve table is empty"


def test_a_cadence_of_20_seconds_is_of_another_product(changed, tmp_path):
    def fast(hdus):
        hdus[1].header["TIMEDEL"] = 20 / 86400

    changed(fast)
    sources, rejected = rejections(tmp_path)
    assert sources == []
    assert "a light curve of spoc-20, expected spoc-120" in rejected["changed.fits"]
    (source,), rejected = scan_directory(tmp_path, products=ChosenProducts(("spoc-20",)))
    assert (source.id.product, rejected) == ("spoc-20", [])


@pytest.mark.parametrize("value", ["two minutes", None])
def test_an_unknown_cadence_is_refused(changed, value):
    def unknown(hdus):
        if value is None:
            del hdus[1].header["TIMEDEL"]
        else:
            hdus[1].header["TIMEDEL"] = value

    assert (
        complaint(changed(unknown))
        == "cadence is unknown, expected 20 s, 120 s, 200 s, 600 s or 1800 s"
    )


def test_a_target_pixel_file_is_refused(write, tmp_path, simulated):
    """It has TIME and QUALITY, but images in the place of fluxes."""
    primary = fits.PrimaryHDU()
    primary.header["TICID"], primary.header["SECTOR"] = 5, 1
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("TIME", "D", array=simulated.time),
            fits.Column("FLUX", "4E", dim="(2,2)", array=np.ones((N, 2, 2))),
            fits.Column("QUALITY", "J", array=simulated.quality),
        ]
    )
    table.header["TIMEDEL"] = 120 / 86400
    path = tmp_path / "tp.fits"
    fits.HDUList([primary, table]).writeto(path)
    assert complaint(path) == "not a SPOC light curve: no column PDCSAP_FLUX"


def test_an_image_is_refused(tmp_path):
    path = tmp_path / "image.fits"
    primary = fits.PrimaryHDU()
    primary.header["TICID"], primary.header["SECTOR"] = 5, 1
    fits.HDUList([primary, fits.ImageHDU(np.zeros((3, 3)))]).writeto(path)
    assert complaint(path) == "no table in its first extension"


@pytest.mark.parametrize("keyword", ["TICID", "SECTOR"])
@pytest.mark.parametrize("value", [None, "seven", "7", 7.5, 7.0, True, False, 0, -5, 2**63, 10**20])
def test_a_file_that_does_not_say_which_star_and_sector_is_refused(changed, keyword, value):
    def change(hdus):
        if value is None:
            del hdus[0].header[keyword]
        else:
            hdus[0].header[keyword] = value

    assert f"{keyword} = {value!r}" in complaint(changed(change))


def test_times_that_do_not_increase_are_refused_with_the_row(changed):
    def backwards(hdus):
        time = hdus[1].data["TIME"]
        time[20:29] = np.nan
        time[29] = time[19]

    assert complaint(changed(backwards)) == "TIME does not increase at row 29"


def test_a_missing_file_is_refused(tmp_path):
    assert complaint(tmp_path / "absent.fits").startswith("cannot be read: ")


def test_bad_files_do_no_harm_to_good_ones(write, tmp_path, content):
    write("a.fits", b"garbage")
    good = write("b.fits")
    write("c.fits.gz", b"\x1f\x8bgarbage")
    write("d.fits", content[:3000])
    sources, rejected = rejections(tmp_path)
    assert sources == [LightCurveSource(LightCurveId(FIRST_TIC, 4), good)]
    assert set(rejected) == {"a.fits", "c.fits.gz", "d.fits"}


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="absent: no such input directory"):
        scan_directory(tmp_path / "absent")


def test_an_empty_directory_is_none(tmp_path):
    assert scan_directory(tmp_path) == ([], [])
