"""`cvzmpi.read` of a directory: a campaign from the tables of its index."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u

import cvzmpi
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.merge import merged_tables
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.views.campaign import Campaign
from cvzmpi.errors import ConfigError, MissingPackageError, SectorFileError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import write_unit
from tools.harness.job_process import environment

UNITS = [(1001, 1), (1001, 2), (2001, 1), (1002, 13)]
N_ROWS = 200_000

ABOUT_TIC = b"number of the target in its catalogue"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("campaign") / "output"
    for number, unit in enumerate(UNITS):
        write_unit(output, *unit, header={"RADIUS": 0.5 + number / 10, "TEFF": 3300.0})
    write_unit(output, 3001, 5, n_done=40)
    (output / "001" / "notes.h5").write_text("none")
    update_index(output, World.alone())
    return output


@pytest.fixture
def campaign(output):
    return cvzmpi.read(output)


# ----------------------------------------------------------------- its tables


def test_the_flares_are_those_of_the_sector_files_with_units(campaign, output):
    assert campaign.flares["equivalent_duration"].unit == u.s
    assert campaign.flares["energy"].unit == u.erg
    of_one = campaign.flares[(campaign.flares["tic"] == 1001) & (campaign.flares["sector"] == 2)]
    own = cvzmpi.read(LightCurveId(1001, 2).path(output)).flares
    for name in set(own.colnames) - {"reliability"}:
        ours, theirs = of_one[name], own[name]
        if name.endswith("_time"):
            ours, theirs = ours.jd, theirs.jd
        assert np.array_equal(np.asarray(ours), np.asarray(theirs), equal_nan=True), name
    assert campaign.flares["snr"].info.description == own["snr"].info.description
    assert len(campaign.flares) == 10


def test_light_curves_have_a_row_each_with_what_is_not_known_masked(campaign):
    table = campaign.light_curves
    assert table["tic"].tolist() == [1001, 1001, 2001, 3001, 1002]
    assert table["searched"].unit == u.d
    assert np.isnan(table["radius"][3])
    assert table["state"].tolist() == ["done", "done", "done", "unfinished", "done"]
    assert table["largest_energy"].unit == u.erg
    assert "software" not in table.colnames
    assert table.meta["search"] == "significance"


def test_stars_are_sums_with_the_facts_of_the_newest_sector(campaign):
    stars, curves = campaign.stars, campaign.light_curves
    assert stars["tic"].tolist() == [1001, 1002, 2001, 3001]
    assert stars["n_light_curves"].tolist() == [2, 1, 1, 1]
    first = curves["tic"] == 1001
    assert stars["n_flares"][0] == curves["n_flares"][first].sum() == 4
    assert stars["searched"][0] == curves["searched"][first].sum()
    assert stars["searched"].unit == u.d
    assert stars["radius"][0] == 0.6 * u.R_sun
    assert stars["largest_flare"][0] == curves["largest_flare"][first].max()
    assert stars["n_light_curves"].info.description == "light curves"


def test_a_query_reads_what_is_asked_for(campaign):
    table = campaign.query("light_curves", [("tic", "=", 1001)], ["sector", "tic"])
    assert table.column_names == ["sector", "tic"]
    assert table.to_pylist() == [{"sector": 1, "tic": 1001}, {"sector": 2, "tic": 1001}]
    assert table.schema.field("tic").metadata[b"description"] == ABOUT_TIC
    large = pa.compute.field("equivalent_duration") > 1
    assert campaign.query("flares", large).num_rows == 10
    assert campaign.query("problems", columns=["kind"]).to_pylist() == [{"kind": "foreign"}]
    assert campaign.query("events", [("image", ">", 0)]).num_rows > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["flare"],
            "no table 'flare'; there are light_curves, flares, events, completeness, problems",
        ),
        (["flares", None, ["ed"]], "table flares: no column 'ed'; there are tic, sector"),
        (["flares", [("ed", ">", 1)]], r"cannot be filtered so: No match for FieldRef.Name\(ed\)"),
        (["flares", [("snr", "~", 1)]], "cannot be filtered so: "),
    ],
)
def test_a_query_that_cannot_be_is_one_line(campaign, arguments, message):
    with pytest.raises(ConfigError, match=message):
        campaign.query(*arguments)


def test_the_distribution_of_a_star_is_over_all_its_light_curves(campaign):
    table = campaign.ffd(1001, min_completeness=0.3)
    assert len(table) == 4
    assert set(table["sector"].tolist()) == {1, 2}
    assert table.meta["n_sectors"] == 2
    assert table["rate"].unit == 1 / u.d
    with pytest.raises(ConfigError, match="no light curve of star 5 in the index"):
        campaign.ffd(5)
    with pytest.raises(SectorFileError, match="40 flares injected so far"):
        campaign.ffd(3001)


# ----------------------------------------------------------------- what it is


def test_it_says_what_it_is(campaign, output):
    assert repr(campaign) == f"<campaign {output}: 5 light curves, 10 flares>"
    text = campaign._repr_html_()
    for words in (
        "5 light curves of 4 stars, 1 unfinished",
        "d by significance",
        "10 flares, ",
        "1 file not in the index",
    ):
        assert words in text


def test_the_directory_of_the_index_is_the_campaign_too(output):
    assert cvzmpi.read(output / "index").directory == output
    assert cvzmpi.read(str(output / "index")).ffd(2001).meta["n_sectors"] == 1


def test_what_is_no_campaign_says_so_and_one_without_an_index_which_command_makes_it(tmp_path):
    with pytest.raises(ConfigError, match=f"{tmp_path}: no campaign: there are no sector files"):
        cvzmpi.read(tmp_path)
    write_unit(tmp_path, 1001, 1)
    command = f"`cvzmpi index {tmp_path}` makes it"
    with pytest.raises(ConfigError, match=f"its index is not there yet: {command}"):
        cvzmpi.read(tmp_path)
    update_index(tmp_path, World.alone())
    table_path(tmp_path / "index", "flares").unlink()
    with pytest.raises(ConfigError, match=f"its index is not whole: {command}"):
        cvzmpi.read(tmp_path)
    with pytest.raises(ConfigError, match=r"`cvzmpi index --search stella .*` makes it anew"):
        cvzmpi.read(tmp_path, search="stella")


def test_without_pyarrow_a_directory_says_which_extra_it_needs(output, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "cvzmpi.cvz.results.views.campaign", raising=False)
    with pytest.raises(MissingPackageError, match=r'pip install "cvzmpi\[index\]"'):
        cvzmpi.read(output)


# ----------------------------------------------------------------- many light curves


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The index of 200,000 light curves, of which only the index is there."""
    output = tmp_path_factory.mktemp("large")
    (output / "index").mkdir()

    class Rows:
        tables = tuple(made(schema, N_ROWS // 10) for schema in SCHEMAS.values())

    with merged_tables(output / "index", "digest") as add:
        for _ in range(10):
            add(Rows)
    return output


def made(schema, n):
    """Rows with each column filled."""
    tic = np.arange(n, dtype=np.int64)
    columns = []
    for field in schema:
        if field.name == "tic":
            columns.append(pa.array(tic))
        elif pa.types.is_string(field.type):
            text = "significance" if field.name == "search" else "x" * 40
            columns.append(pa.array([text] * n))
        else:
            columns.append(pa.array(tic % 2).cast(field.type))
    return pa.table(columns, schema=schema)


def test_a_query_of_a_large_campaign_holds_little_of_it(large):
    code = (
        "import cvzmpi, pyarrow as pa\n"
        f"campaign = cvzmpi.read({str(large)!r})\n"
        "repr(campaign), campaign._repr_html_()\n"
        "rows = campaign.query('light_curves', [('tic', '=', 7)], ['tic', 'path', 'software'])\n"
        "print(rows.num_rows, pa.default_memory_pool().max_memory())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    n_rows, most = map(int, ended.stdout.split())
    whole = pq.read_table(table_path(large / "index", "light_curves")).nbytes
    assert n_rows == 10
    assert most < whole / 4


def test_a_large_campaign_has_its_tables(large):
    campaign = Campaign.read(large)
    assert len(campaign.stars) == N_ROWS // 10
    assert campaign.stars["n_light_curves"][3] == 10
    assert len(campaign.flares) == N_ROWS
