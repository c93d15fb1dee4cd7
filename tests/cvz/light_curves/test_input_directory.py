"""Which files of the input directory are light curves, and which of several is taken."""

from __future__ import annotations

import gzip
import os

import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.simulation.simulate import FIRST_TIC, simulate_light_curve
from cvzmpi.cvz.simulation.spoc_fits import write_spoc_fits

ARCHIVE_NAME = f"tess2018206045859-s0004-{FIRST_TIC:016d}-0{{:03d}}-s_lc.fits"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A light curve, as bytes."""
    path = tmp_path_factory.mktemp("good") / "lc.fits"
    write_spoc_fits(path, simulate_light_curve(FIRST_TIC, 4, 1, n_cadences=300)[0])
    return path.read_bytes()


@pytest.fixture
def write(tmp_path, content):
    """Write the light curve, part of it, or one of another processing."""

    def write(name, *, end=None, packed=False, **cards):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if cards:
            with fits.open(path, mode="update") as hdus:
                hdus[0].header.update(cards)
        if end is not None:
            path.write_bytes(content[:end])
        if packed:
            path.write_bytes(gzip.compress(path.read_bytes()))
        return path

    return write


def scan(directory):
    """The file that is taken, the others with their reasons, and what is rejected, by name."""
    (source,), rejected = scan_directory(directory)
    others = {o.path.relative_to(directory).as_posix(): o.reason for o in source.others}
    return source.path, others, {r.name: r.message for r in rejected}


# ----------------------------------------------------------------- several files of one light curve


@pytest.mark.parametrize("end", [100_000, 26_000, 12_000, 5_760, 2_880, 80, 0])
@pytest.mark.parametrize("name", ["lc.fits", ARCHIVE_NAME.format(120)])
def test_a_whole_file_wins_over_an_interrupted_download_of_it(write, tmp_path, content, name, end):
    """Wherever that was cut, even within its headers, and whichever comes first by name."""
    if end > len(content):
        end = len(content) // 2
    write(f"a/{name}", end=end)
    whole = write(f"b/{name}")
    write(f"c/{name}", end=end)
    taken, others, rejected = scan(tmp_path)
    assert taken == whole
    assert others.keys() == {f"a/{name}", f"c/{name}"}
    assert all(f"{whole} is taken" in reason for reason in others.values())
    assert rejected == {}


def test_a_whole_gzipped_file_wins_over_a_truncated_one(write, tmp_path):
    write("a.fits", end=30_000)
    whole = write("b.fits.gz", packed=True)
    assert scan(tmp_path)[0] == whole


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"PROCVER": "spoc-3.3.36-20180925"}, {"PROCVER": "spoc-5.0.10-20200904"}),
        ({"PROCVER": "spoc-4.0.5-20200101"}, {"PROCVER": "spoc-4.0.28-20200407"}),
        ({"PROCVER": "spoc-9.0.1", "DATE": "2030-01-01"}, {"PROCVER": "spoc-10.0.1"}),
        ({"DATE": "2018-09-27"}, {"DATE": "2021-05-01"}),
        ({"DATA_REL": 1}, {"DATA_REL": 42}),
        ({"PROCVER": True, "DATE": 5, "DATA_REL": "x"}, {"PROCVER": "spoc-1.0.0"}),
    ],
)
@pytest.mark.parametrize("names", [("a.fits", "b.fits"), ("b.fits", "a.fits")])
def test_the_newest_processing_is_taken(write, tmp_path, older, newer, names):
    write(names[0], **older)
    best = write(names[1], **newer)
    taken, others, rejected = scan(tmp_path)
    assert taken == best
    assert list(others) == [names[0]]
    assert "processed by" in others[names[0]]
    assert rejected == {}


def test_the_archives_own_number_of_a_processing_decides_where_the_headers_are_equal(
    write, tmp_path
):
    write(ARCHIVE_NAME.format(120))
    newer = write(ARCHIVE_NAME.format(210))
    assert scan(tmp_path)[0] == newer


def test_a_truncated_file_of_the_newest_processing_does_not_win(write, tmp_path, content):
    write("new.fits", PROCVER="spoc-9.0.1").write_bytes(content[: len(content) // 2])
    whole = write("old.fits", PROCVER="spoc-1.0.1")
    assert scan(tmp_path)[0] == whole


def test_of_copies_the_first_by_name_is_taken(write, tmp_path):
    first = write("a.fits")
    write("b.fits")
    expected = {"b.fits": f"the same light curve as {first}, which is taken"}
    assert scan(tmp_path) == (first, expected, {})


# ----------------------------------------------------------------- what others leave


@pytest.mark.parametrize(
    "name",
    ["._lc.fits", ".lc.fits.swp", "lc.fits.part", "Unconfirmed 1.crdownload", "lc.fits~", ".nfs01"],
)
def test_what_programs_leave_beside_a_file_neither_hides_it_nor_is_a_failure(write, tmp_path, name):
    whole = write("lc.fits")
    for rubbish in (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", b"", whole.read_bytes()[:9000]):
        (tmp_path / name).write_bytes(rubbish)
        taken, _, rejected = scan(tmp_path)
        assert (taken, rejected) == (whole, {})


def test_a_whole_light_curve_is_found_under_a_leftovers_name(write, tmp_path):
    leftover = write("lc.fits.part")
    assert scan(tmp_path)[0] == leftover
    whole = write("z.fits")
    assert scan(tmp_path)[0] == whole


def test_an_empty_file_that_nobody_has_otherwise_is_named(write, tmp_path):
    write("lc.fits")
    (tmp_path / "other.fits").touch()
    assert scan(tmp_path)[2] == {
        "other.fits": f"{tmp_path}/other.fits: not a FITS file: it is empty"
    }


@pytest.mark.parametrize(
    ("magic", "packer"), [(b"BZh91AY", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"PK\3\4..", "zip")]
)
def test_packed_files_are_named_with_what_is_expected(write, tmp_path, magic, packer):
    write("lc.fits")
    (tmp_path / "other.fits.x").write_bytes(magic)
    (message,) = scan(tmp_path)[2].values()
    assert message.endswith(f"packed with {packer}, expected FITS as it is or gzipped")


# ----------------------------------------------------------------- links, pipes, names


def test_linked_directories_are_followed_once(write, tmp_path):
    inside = write("input/real/lc.fits")
    outside = write("elsewhere/b.fits", TICID=7)
    (tmp_path / "input" / "a_link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "input" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "input" / "real" / "loop").symlink_to(tmp_path / "input")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "input" / "real")
    sources, rejected = scan_directory(tmp_path / "input")
    assert [(s.id.tic, s.path, s.others) for s in sources] == [
        (7, tmp_path / "input" / "a_link" / outside.name, ()),
        (FIRST_TIC, inside, ()),
    ]
    assert rejected == []


def test_a_link_to_a_file_that_is_here_as_well_is_no_other_file(write, tmp_path):
    real = write("b.fits")
    (tmp_path / "c.fits").symlink_to(real)
    assert scan(tmp_path) == (real, {}, {})


@pytest.mark.parametrize("target", ["nowhere.fits", "lc.fits"])
def test_links_that_lead_nowhere_are_named(tmp_path, target):
    (tmp_path / "lc.fits").symlink_to(tmp_path / target)
    (tmp_path / "README").symlink_to(tmp_path / "gone")
    sources, (rejected,) = scan_directory(tmp_path)
    assert sources == []
    assert rejected.message.startswith(f"{tmp_path}/lc.fits: a link to {tmp_path}/{target}: ")


def test_a_light_curve_whose_name_cannot_be_written_down_is_named(write, tmp_path):
    os.rename(os.fsencode(write("lc.fits")), os.fsencode(tmp_path) + b"/\xff.fits")
    (tmp_path / os.fsdecode(b"\xe9.txt")).touch()
    sources, (rejected,) = scan_directory(tmp_path)
    assert sources == []
    assert rejected.message == f"{tmp_path}/\\udcff.fits: its name is not UTF-8, expected another"


def test_bad_files_of_one_name_are_told_apart_and_never_called_as_a_light_curve(write, tmp_path):
    for name in ("a/lc.fits", "b/lc.fits", "7_1"):
        write(name, end=3000)
    sources, rejected = scan_directory(tmp_path)
    assert sources == []
    assert {r.name for r in rejected} == {"a/lc.fits", "b/lc.fits", "./7_1"}
