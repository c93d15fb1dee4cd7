"""Lists of light curves select in their order; a bad one is refused with the line."""

import os

import pytest

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.target_list import read_target_list
from cvzmpi.cvz.work.batch_list import read_priorities, select_targets
from cvzmpi.errors import ConfigError


@pytest.fixture
def select(tmp_path):
    """Select of three light curves with a list of this text."""
    ids = [LightCurveId(7, 1), LightCurveId(7, 2), LightCurveId(12, 1)]
    sources = [LightCurveSource(id, tmp_path / id.name) for id in ids]

    def select(text, encoding="utf-8"):
        targets = tmp_path / "targets.csv"
        targets.write_bytes(text.encode(encoding))
        selected, missing = select_targets(sources, targets)
        assert all(source in sources for source in selected)
        return [s.id for s in selected], {m.name: m.message for m in missing}

    return select


@pytest.mark.parametrize(
    "text",
    [
        "tic,sector\n12,1\n7,2\n",
        "tic,sector\r\n12,1\r\n7,2",
        "TIC, Sector, name\n12, 1, first\n7, 2, second\n",
        "sector,tic\n1,12\n2,7\n",
        "tic,sector\n12,1\n\n7,2\n12,1\n",  # an empty line, and one twice
    ],
)
def test_lists_of_targets_select_in_their_order(select, text):
    assert select(text) == ([LightCurveId(12, 1), LightCurveId(7, 2)], {})


def test_an_empty_list_selects_nothing(select):
    assert select("tic,sector\n") == ([], {})


def test_targets_without_a_light_curve_are_named(select):
    selected, missing = select("tic,sector\n7,1\n7,3\n8,1\n")
    assert selected == [LightCurveId(7, 1)]
    assert list(missing) == ["7_3", "8_1"]
    assert missing["7_3"].endswith("targets.csv: no light curve of star 7, sector 3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no target in here"),
        ("7,1\n7,2\n", "line 1: expected a header, as tic,sector"),
        ("star,sector\n7,1\n", "line 1: expected a column TICID"),
        ("tic,sector\n7,1\nseven,2\n", "line 3: expected a TIC number, not 'seven'"),
        ("tic,sector\n7,1.5\n", r"line 2: expected a sector \(1 to 9999\), not '1.5'"),
        ("tic,sector\n7\n", "line 2: expected a sector .* not ''"),
        ("tic,sector\n7,\n", "line 2: expected a sector .* not ''"),
        ("tic,sector\n-5,1\n", "line 2: expected a TIC number, not '-5'"),
        ("tic,sector\n0,1\n", "line 2: expected a TIC number"),
        ("tic,sector\n7,1\n9223372036854775808,1\n", "line 3: expected a TIC number"),
        ("tic,sector\n1e30,1\n", "line 2: expected a TIC number"),
        ("tic,sector\nnan,1\n", "line 2: expected a TIC number"),
        ("tic,sector\n7,-1\n", "line 2: expected a sector"),
        ("tic,sector\n7,1\n7,0\n", r"line 3: expected a sector \(1 to 9999\), not '0'"),
        ("tic,sector\n7,10000\n", "line 2: expected a sector"),
        ("tic,sector\n1_0,1\n", "line 2: expected a TIC number"),
        ("7\nseven\n", "line 2: expected a TIC number, not 'seven'"),
        ("tic,sector\n7,\0\n", "line 2: "),
        ("tic,sector\n" + "7" * 5000 + ",1\n", r"line 2: .{1,200}$"),
        (
            "tic,sector\n7,1\n7," + "x" * 140_000 + "\n",
            r"line 3: expected a TIC number, not .{1,100}$",
        ),
        ("tic,sector,priority\n7,1,inf\n", "line 2: expected a number as priority, not 'inf'"),
    ],
)
def test_bad_lists_of_targets_are_refused_with_the_line(select, text, message):
    with pytest.raises(ConfigError, match=rf"targets\.csv: {message}"):
        select(text)


def test_a_list_that_cannot_be_read_is_refused(select, tmp_path):
    with pytest.raises(ConfigError, match=r"targets\.csv: cannot be read"):
        select("tic,sector\n7,1\n# \xc9toile\n", encoding="latin-1")
    with pytest.raises(ConfigError, match=r"absent\.csv: cannot be read"):
        select_targets([], tmp_path / "absent.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_are_read_as_spreadsheets_save_them(select, encoding, separator, end):
    lines = [separator.join(values) for values in (("TIC", "Sector"), ("7", "2"), ("7", "1"))]
    assert select(end.join([*lines, ""]), encoding=encoding) == (
        [LightCurveId(7, 2), LightCurveId(7, 1)],
        {},
    )


def test_a_list_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "targets.csv")
    with pytest.raises(ConfigError, match=r"targets\.csv: not a regular file"):
        select_targets([], tmp_path / "targets.csv")


@pytest.mark.parametrize(
    "text",
    ["7\n12\n", "TIC 7\nTIC 12\n", "tic\n7\n12\n", "# two stars\nTIC ID;Tmag\n7;9,5\n12;\n7;9,5\n"],
)
def test_a_star_without_a_sector_is_all_its_light_curves(select, text):
    assert select(text) == ([LightCurveId(7, 1), LightCurveId(7, 2), LightCurveId(12, 1)], {})


def test_a_star_without_any_light_curve_is_named(select):
    selected, missing = select("8\n12\n")
    assert selected == [LightCurveId(12, 1)]
    assert missing == {"8": next(iter(missing.values()))}
    assert missing["8"].endswith("targets.csv: no light curve of star 8")


def test_the_priority_of_a_star_is_that_of_its_light_curves(tmp_path):
    (tmp_path / "list.csv").write_text("tic,priority\n7,2.5\n12,\n")
    known = [LightCurveId(7, 1), LightCurveId(7, 2), LightCurveId(12, 1)]
    assert read_priorities(tmp_path / "list.csv", known) == {"7_1": 2.5, "7_2": 2.5}


@pytest.mark.parametrize("text", ["7\n12\n", "TIC ID,Tmag,sector\n7,9.5,1\n12,10,3\n"])
def test_one_list_serves_the_archive_and_the_input(select, tmp_path, text):
    select(text)
    assert [target.tic for target in read_target_list(tmp_path / "targets.csv").targets] == [7, 12]


def test_a_sector_is_the_light_curve_of_whatever_product(tmp_path):
    ids = [
        LightCurveId(7, 1, "spoc-20"),
        LightCurveId(7, 2),
        LightCurveId(9, 0, "kepler-1765"),
        LightCurveId(9, 1, "kepler-1765"),
    ]
    sources = [LightCurveSource(id) for id in ids]
    (tmp_path / "list.csv").write_text("KIC,quarter,priority\n9,0,2\n7,1,\n8,0,\n")
    products = ChosenProducts(("spoc-20", "kepler"))  # with quarters from 0 on
    selected, missing = select_targets(sources, tmp_path / "list.csv", products)
    assert [source.id for source in selected] == [ids[2], ids[0]]
    assert [item.name for item in missing] == ["8_0"]
    assert read_priorities(tmp_path / "list.csv", ids, products) == {"9_0_kepler-1765": 2}
