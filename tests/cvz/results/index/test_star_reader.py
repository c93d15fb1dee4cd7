"""The stars from the index: every number is that of the sector files."""

from dataclasses import asdict, fields

import numpy as np
import pyarrow.parquet as pq
import pytest
from mpi4py import MPI

import cvzmpi
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index import merge
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.indexed_reliability import IndexedReliability
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.index.star_reader import StarReader
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.results.products.star_outcome import outcome_of, star_outcome
from cvzmpi.errors import CvzmpiError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, write_unit

UNITS = {
    (1001, 1): {"change": other_events(1), "header": {"TEFF": 3200, "RADIUS": 0.35}},
    (1001, 2): {"change": other_events(2), "header": {"CROWDSAP": 0.2}},
    (1001, 3): {"n_done": 120},
    (1001, 4): {"n_done": 12},
    (2001, 1): {"flares": ()},
    (3001, 1): {"model": False},
    (1002, 1): {"version": 1},
    (2002, 1): {"flares": (150, 300, 450, 600, 1500, 1900)},
}


@pytest.fixture(scope="module", params=["significance", "either", "stella"])
def campaign(request, tmp_path_factory):
    """A campaign of all kinds of light curves, and the search that its index is of."""
    results = tmp_path_factory.mktemp("campaign")
    answers = np.random.default_rng(1).random((300, 4)) < 0.6
    for unit, odd in UNITS.items():
        other = {} if odd.get("version") == 1 else {"other": answers}
        write_unit(results, *unit, **other, **odd)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "ROWS_PER_GROUP", 2)  # stars are in many row groups
        update_index(results, World(MPI.COMM_SELF), Search(request.param))
    assert pq.ParquetFile(table_path(results / "index", "completeness")).num_row_groups == 2
    return results, Search(request.param)


def from_file(campaign, path):
    try:
        return SearchedSector.read(path, campaign[1])
    except CvzmpiError as error:
        return str(error)


def from_index(source):
    try:
        return source.read()
    except CvzmpiError as error:
        return str(error)


def stars(campaign):
    reader = StarReader(campaign[0] / "index")
    return [reader.star(tic) for tic in reader.tics]


def test_a_light_curve_is_that_of_its_sector_file_bit_for_bit(campaign):
    sources = [source for star in stars(campaign) for source in star.sources(campaign[0])]
    found = {LightCurveId.parse(source.path.stem) for source in sources}
    assert found == {LightCurveId(*unit) for unit in UNITS}
    n_refused = 0
    for source in sources:
        ours, theirs = from_index(source), from_file(campaign, source.path)
        if isinstance(theirs, str):
            n_refused += 1
            assert ours == theirs
            continue
        for field in fields(SearchedSector):
            mine, its = getattr(ours, field.name), getattr(theirs, field.name)
            if field.name == "completeness":
                for name, values in asdict(its).items():
                    assert np.array_equal(values, getattr(mine, name), equal_nan=True)
            elif field.name == "flares":
                assert mine.keys() == its.keys()
                for name in its.keys() - {"reliability"}:  # the index has that of all light curves
                    assert mine[name].dtype == its[name].dtype
                    assert np.array_equal(mine[name], its[name], equal_nan=True)
            else:
                assert mine == its, field.name
    assert n_refused == 2


def test_the_distribution_of_a_star_is_that_of_its_sector_files(campaign):
    results, search = campaign
    reliability = IndexedReliability.read(results, search)
    n_flares = 0
    for star in stars(campaign):
        ours = outcome_of(star.sources(results))
        paths = [source.path for source in star.sources(results)]
        theirs = star_outcome(paths, search=search, pooled={p: reliability.of(p) for p in paths})
        assert ours.left_out == theirs.left_out
        assert repr(ours.rows) == repr(theirs.rows)
        n_flares += len(theirs.rows["flares"]) if theirs.rows else 0
    assert n_flares > 8


def test_the_library_needs_no_sector_file_for_it(campaign, tmp_path):
    (tmp_path / "index").symlink_to(campaign[0] / "index")
    ours, theirs = (cvzmpi.read(path).ffd(1001) for path in (tmp_path, campaign[0]))
    assert ours.pformat(-1, -1) == theirs.pformat(-1, -1)
    assert [line.rpartition("/")[2] for line in ours.meta["left_out"]] == [
        "1001_4.h5: 12 flares injected so far, expected at least 100"
    ]


def test_a_star_that_is_not_there_is_an_error(campaign):
    with pytest.raises(KeyError):
        StarReader(campaign[0] / "index").star(7)
