"""The tables have the columns that are declared, of their types, whatever stars there are."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.products.ffd_tables import FORMATS, TABLES, write_tables
from cvzmpi.cvz.results.products.star_outcome import star_outcome
from tests.cvz.example_file import write_example

STARS = {"none": (), "flareless": (12,), "mixed": (11, 12), "flares": (11,)}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The rows of a star with flares and of one without."""
    directory = tmp_path_factory.mktemp("stars")
    paths = {tic: LightCurveId(tic, 1).path(directory) for tic in (11, 12)}
    for tic, path in paths.items():
        path.parent.mkdir()
        write_example(path, tic=tic, sector=1, **({"flares": ()} if tic == 12 else {}))
    return {tic: star_outcome([path]).rows for tic, path in paths.items()}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("stars", STARS)
def test_every_table_has_the_declared_columns(rows, tmp_path, stars, kind):
    write_tables([rows[tic] for tic in STARS[stars]], tmp_path, kind)
    for name, columns in TABLES.items():
        table = QTable.read(tmp_path / f"ffd_{name}.{kind}", format=FORMATS[kind])
        assert table.colnames == list(columns)
        for column_name, column in columns.items():
            written = table[column_name]
            if column.dtype == "U":
                assert written.dtype.kind == "U", column_name
            else:
                assert written.dtype == np.dtype(column.dtype), column_name
            expected = u.Unit(column.unit) if column.unit else None
            assert written.info.unit == expected, column_name
            assert written.info.description == column.description
    flares = QTable.read(tmp_path / f"ffd_flares.{kind}", format=FORMATS[kind])
    assert len(flares) == (2 if 11 in STARS[stars] else 0)


def test_every_column_has_a_meaning():
    for columns in TABLES.values():
        assert all(column.description for column in columns.values())


def test_the_names_of_tables_of_many_stars_are_short_and_each_selection_has_its_own(tmp_path):
    first, second = (write_tables([], tmp_path, tics=range(1, n))[0].name for n in (1001, 1002))
    assert first != second
    assert first.startswith("ffd_stars_1_and_999_more_")
    assert write_tables([], tmp_path, tics=[3, 1])[0].name == "ffd_stars_1_3.ecsv"
