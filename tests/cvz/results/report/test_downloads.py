"""The tables of a report as files: units, descriptions and values survive in every format."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import QTable

from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.merge import merged_tables
from cvzmpi.cvz.results.index.part import Part
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.report import downloads as downloads_module
from cvzmpi.cvz.results.report.campaign_stars import star_table, star_table_columns
from cvzmpi.cvz.results.report.downloads import FORMATS, write_downloads

N_FLARES = 45_000  # more than are in memory at a time
ASTROPY = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "parquet": "parquet"}
STARS = [
    {"tic": 1, "n_flares": 3, "rate": 0.25, "energy_rate": float("nan"), "marks": "crowded"},
    {"tic": 2, "n_flares": 0, "rate": None, "energy_rate": 1e-3, "marks": 'a, "b"\nc'},
]

ABOUT_TIC = b"number of the target in its catalogue"


def made_up(schema, n):
    """Rows of a schema, with text that needs quotes and values that are not known."""
    rng = np.random.default_rng(1)

    def column(kind):
        if pa.types.is_string(kind):
            return pa.array(["", 'much_masked,"crowded"', None] * n, kind)[:n]
        if pa.types.is_boolean(kind):
            return pa.array(rng.random(n) > 0.5)
        if pa.types.is_floating(kind):
            return pa.array(rng.lognormal(0, 20, n), mask=rng.random(n) < 0.1).cast(kind)
        return pa.array(rng.integers(0, 100, n)).cast(kind)

    return pa.table([column(field.type) for field in schema], schema=schema)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    (directory / "index").mkdir()
    tables = {
        name: made_up(schema, N_FLARES if name == "flares" else 10)
        for name, schema in SCHEMAS.items()
    }
    with merged_tables(directory / "index", "digest") as add:
        add(Part(*tables.values()))
    downloads = write_downloads(star_table(STARS, 1e33), directory / "index", directory)
    return directory, {download.name: download for download in downloads}


def plain(column):
    """The values of a column without their unit; NaN where a number is not known."""
    column = column.filled(np.nan) if hasattr(column, "mask") and np.any(column.mask) else column
    return np.asarray(getattr(column, "unmasked", column))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_values_are_those_of_the_index(written, kind):
    directory, _ = written
    index = pq.read_table(table_path(directory / "index", "flares"))
    read = QTable.read(directory / "downloads" / f"flares.{kind}", format=ASTROPY[kind])
    for name in ("tic", "peak_time", "energy", "amplitude"):
        expected = index[name].to_numpy()
        values = plain(read[name]).astype(expected.dtype)
        assert np.array_equal(values, expected, equal_nan=expected.dtype.kind == "f"), name
    fitted = plain(read["template_fitted"]).astype(str) == "True"
    assert np.array_equal(fitted, index["template_fitted"].to_numpy())
    assert len(read) == N_FLARES


@pytest.mark.parametrize("kind", ["ecsv", "parquet"])
@pytest.mark.parametrize("name", ["stars", "light_curves", "flares"])
def test_units_and_descriptions_are_in_the_file(written, kind, name):
    directory, downloads = written
    read = QTable.read(directory / "downloads" / f"{name}.{kind}", format=ASTROPY[kind])
    for column, unit, description in downloads[name].columns:
        assert (read[column].unit or u.dimensionless_unscaled) == u.Unit(unit), column
        assert (read[column].info.description or "") == description
    assert {"erg", "s"} <= {unit for _, unit, _ in downloads[name].columns}


@pytest.mark.parametrize("kind", FORMATS)
def test_text_stays_text_and_what_is_not_known_stays_unknown(written, kind):
    read = QTable.read(written[0] / "downloads" / f"stars.{kind}", format=ASTROPY[kind])
    assert read["marks"].tolist() == [star["marks"] for star in STARS]
    assert np.array_equal(plain(read["rate"]), [0.25, np.nan], equal_nan=True)
    assert np.array_equal(plain(read["energy_rate"]), [np.nan, 1e-3], equal_nan=True)


def test_the_columns_are_the_same_in_every_format(written):
    directory, downloads = written
    for name, download in downloads.items():
        text = (directory / "downloads" / f"{name}.csv").read_text().partition("\n")[0]
        schema = pq.read_schema(directory / "downloads" / f"{name}.parquet")
        assert text.split(",") == schema.names == download.schema.names
        assert schema.field("tic").metadata[b"description"] == ABOUT_TIC
        assert (
            download.n_rows
            == pq.read_metadata(directory / "downloads" / f"{name}.parquet").num_rows
        )


def test_the_header_says_above_which_energy_stars_are_compared():
    assert "1e+32 erg" in star_table_columns(1e32)["energy_rate"].description


def test_nothing_is_left_beside_the_files(written):
    assert {path.suffix for path in (written[0] / "downloads").iterdir()} == {
        ".csv",
        ".ecsv",
        ".parquet",
    }


def test_large_files_of_text_are_compressed_and_read_as_they_are(written, tmp_path, monkeypatch):
    plain_files, _ = written

    def write_all():
        return write_downloads(star_table(STARS, 1e33), plain_files / "index", tmp_path)

    write_all()
    monkeypatch.setattr(downloads_module, "LARGE", 100_000)  # bytes: that of flares is larger
    flares = {download.name: download for download in write_all()}["flares"]
    names = [file.name for file in flares.files.values()]
    assert names == ["flares.csv.gz", "flares.ecsv.gz", "flares.parquet"]
    for kind, file in flares.files.items():
        path = tmp_path / "downloads" / file.name
        assert path.stat().st_size == file.size
        read = QTable.read(path, format=ASTROPY[kind])
        expected = QTable.read(plain_files / "downloads" / f"flares.{kind}", format=ASTROPY[kind])
        assert read["peak_time"].unit == expected["peak_time"].unit
        assert np.array_equal(plain(read["energy"]), plain(expected["energy"]), equal_nan=True)
    present = {path.name for path in (tmp_path / "downloads").iterdir()}
    assert not present & {"flares.csv", "flares.ecsv"}  # of the report before
    assert {"stars.csv", "light_curves.ecsv"} <= present
    first = (tmp_path / "downloads" / "flares.csv.gz").read_bytes()
    write_all()
    assert (tmp_path / "downloads" / "flares.csv.gz").read_bytes() == first
    monkeypatch.undo()
    write_all()
    assert {path.suffix for path in (tmp_path / "downloads").iterdir()} == {
        ".csv",
        ".ecsv",
        ".parquet",
    }
