"""Lists of targets as people write them."""

import pytest

from cvzmpi.cvz.target_list import Target, read_rows, read_target_list
from cvzmpi.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    def of(text):
        path = tmp_path / "targets.csv"
        path.write_text(text, encoding="utf-8")
        return read_target_list(path)

    return of


def tics(found):
    return [target.tic for target in found.targets]


@pytest.mark.parametrize(
    "header", ["TICID", "tic", "TIC", "TIC ID", "tic_id", "Tic-Id", '"TIC ID"', "ID"]
)
def test_the_column_of_tic_numbers_has_many_names(read, header):
    assert tics(read(f"name,{header},Dec\na,12,3.5\nb,34,-7\n")) == [12, 34]


@pytest.mark.parametrize("separator", [",", ";", "\t", "  ", ", "])
def test_columns_are_separated_in_many_ways(read, separator):
    table = separator.join(["TICID", "Tmag"]) + "\n" + separator.join(["12", "9.5"]) + "\n"
    assert read(table).targets == [Target(12, 9.5)]


@pytest.mark.parametrize(
    "text", ["12\n34\n", "TIC 12\ntic34\n", "12 pretty\n34 ugly\n", "12,a\n34,b\n", "\ufeff12\n34"]
)
def test_a_plain_text_has_a_tic_number_in_each_line(read, text):
    found = read(text)
    assert tics(found) == [12, 34]
    assert not found.has_magnitudes


def test_blanks_may_separate_columns_of_which_one_is_called_tic_id(read):
    assert tics(read("TIC ID   Dec\n12   -3.5\n")) == [12]


def test_comments_empty_lines_and_duplicates_are_passed_over(read):
    found = read("# my stars\nTICID,Tmag\n\n12,9.5  # a good one\n34,\n#56,7\n12,11\n")
    assert found.targets == [Target(12, 9.5), Target(34, None)]
    assert found.bad_rows == []


def test_a_header_may_be_written_as_a_comment(read):
    assert read("# TICID,Tmag\n12,9.5\n").targets == [Target(12, 9.5)]


def test_bad_rows_are_told_by_line_and_the_others_taken(read, tmp_path):
    found = read("TICID,Tmag\n12,9\nabc,8\n-5,8\n34,bright\n1.5,8\n,\n56.0,nan\n78,7\n")
    assert tics(found) == [12, 56, 78]
    path = tmp_path / "targets.csv"
    assert found.bad_rows == [
        f"{path}: line 3: expected a TIC number, not 'abc'",
        f"{path}: line 4: expected a TIC number, not '-5'",
        f"{path}: line 5: expected a TESS magnitude, not 'bright'",
        f"{path}: line 6: expected a TIC number, not '1.5'",
        f"{path}: line 7: expected a TIC number, not ''",
    ]


@pytest.mark.parametrize(
    "row",
    [
        *("-5,9", "0,9", "9223372036854775808,9", "1e30,9", "nan,9", "\0,9", "9" * 5000 + ",9"),
        *("7,inf", "7,-inf", "7,1e999", "7," + "x" * 140_000, "x" * 140_000 + ",9"),
    ],
)
def test_a_row_that_is_no_star_is_one_line_and_the_others_are_taken(read, tmp_path, row):
    found = read(f"TICID,Tmag\n12,9\n{row}\n34,nan\n")
    assert found.targets == [Target(12, 9.0), Target(34, None)]
    (line,) = found.bad_rows
    assert line.startswith(f"{tmp_path}/targets.csv: line 3: expected a ")
    assert len(line) < 300


def test_a_header_of_any_length_is_one_line(read):
    with pytest.raises(ConfigError, match=r"line 1: expected a column TICID.{1,120}$"):
        read("x" * 140_000 + ",y\n1,2\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_are_read_as_spreadsheets_save_them(tmp_path, encoding):
    text = "TIC ID;Tmag\r\n12;10,5\r\n"
    content = (
        b"\xff\xfe" + text.encode("utf-16-le") if "mark" in encoding else text.encode(encoding)
    )
    (tmp_path / "list.csv").write_bytes(content)
    assert read_target_list(tmp_path / "list.csv").targets == [Target(12, 10.5)]


@pytest.mark.parametrize("text", ["", "\n\n# nothing\n", "TICID\n", "TICID\nx\n"])
def test_a_list_without_any_target_is_an_error(read, text):
    with pytest.raises(ConfigError, match="no target in here"):
        read(text)


def test_a_table_without_tic_numbers_is_an_error_that_names_its_columns(read):
    with pytest.raises(ConfigError, match=r"line 1: expected a column TICID .*name, RA, Dec"):
        read("name,RA,Dec\na,1,2\n")


@pytest.mark.parametrize("header", ["KIC,Kmag", "keplerid,RA", "# EPIC,Kmag"])
def test_numbers_of_another_catalogue_are_not_taken_for_tic_numbers(read, tmp_path, header):
    """The archive's search by TIC number would find other stars."""
    with pytest.raises(ConfigError, match=r"expected TIC numbers in a column .*another catalogue$"):
        read(f"{header}\n10002792,11\n")
    (row,) = read_rows(tmp_path / "targets.csv", []).rows  # as `input.targets` has it
    assert row.tic == 10002792
    assert tics(read(f"{header},TIC\n10002792,11,7\n")) == [7]


def test_a_list_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_target_list(tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes(b"TICID,name\n1,a\n2,\xc9toile\n")
    with pytest.raises(ConfigError, match=r"latin\.csv: cannot be read: line 3 is not UTF-8"):
        read_target_list(tmp_path / "latin.csv")


def test_the_real_list_of_cvz_stars_is_read(shared_data):
    found = read_target_list(shared_data / "tess_cvz_targets.csv")
    assert len(found.targets) == 14_385
    assert found.targets[0] == Target(21002564, 11.63)
    assert found.bad_rows == []
