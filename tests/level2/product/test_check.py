"""Level 2 products: each way to be wrong is named."""

import gzip
import os
import shutil
import socket

import pytest
from astropy.io import fits

from cvzmpi.level2.product.bounded_process import LimitError, call_bounded
from cvzmpi.level2.product.check import check_product, checksum
from cvzmpi.level2.product.checked_product import ProductError
from tests.level2.example_product import INVERSION_ID
from tests.level2.product.changed_product import change_asdf, first_fits, rename, the_asdf


def test_a_product_that_passes_is_described(example, product):
    checked = check_product([product])
    assert checked.inversion_id == INVERSION_ID
    assert checked.dataset_ids == [example.dataset_id]
    assert checked.shape == [3, 8]
    assert set(checked.quantities) == {"mag_strength", "velocity", "mag_inclination", "mag_azimuth"}
    assert checked.lines == ["FeI630"]
    assert checked.asdf == str(the_asdf(product))
    assert list(checked.checksums)[-1] == checked.asdf
    assert checked.checksums == {str(p): checksum(p) for p in product.iterdir()}


def test_a_directory_and_its_files_are_the_same(product):
    assert check_product(list(product.iterdir())) == check_product([product])


def test_dkist_own_sample_passes_but_for_its_files(tmp_path):
    import gzip

    from dkist.data import test

    packed = next(iter(test.__path__)) + "/test_L2_inversion.asdf.gz"
    path = tmp_path / "sample.asdf"
    with gzip.open(packed) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    with pytest.raises(ProductError, match=r"\.fits: missing; sample\.asdf names it"):
        check_product([path])


def test_files_that_are_missing_or_too_many_are_named(product, tmp_path):
    path = first_fits(product)
    moved = path.rename(tmp_path / path.name)
    with pytest.raises(ProductError, match=rf"{path.name}: missing; .*\.asdf names it"):
        check_product([product])
    check_product([product, moved])  # files may be anywhere
    shutil.copy(moved, product / "more.fits")
    with pytest.raises(ProductError, match=r"more\.fits: .*\.asdf does not name it"):
        check_product([product, moved])
    with pytest.raises(ProductError, match=r"gone: there is no such file"):
        check_product([product / "gone"])
    (product / "notes.txt").touch()
    with pytest.raises(ProductError, match=r"notes\.txt: expected FITS files and one ASDF file"):
        check_product([product])


def test_no_file_of_a_directory_that_is_no_product_is_named(tmp_path):
    """Who hands in a product may not be one who may look there."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.txt").touch()
    with pytest.raises(ProductError, match=r"private: 0 ASDF files: expected one") as caught:
        check_product([tmp_path / "private"])
    assert "diary" not in str(caught.value)


def test_there_is_one_asdf_file(product):
    shutil.copy(the_asdf(product), product / "second.asdf")
    with pytest.raises(ProductError, match="2 ASDF files: expected one"):
        check_product([product])
    for path in product.glob("*.asdf"):
        path.unlink()
    with pytest.raises(ProductError, match="0 ASDF files: expected one"):
        check_product([product])


def test_a_file_that_dkist_cannot_load_is_named(product, example):
    the_asdf(product).write_text("no ASDF")
    with pytest.raises(ProductError, match=r"\.asdf: dkist cannot load it: "):
        check_product([product])
    (level1,) = example.level1.glob("*.asdf")
    shutil.copy(level1, the_asdf(product))
    with pytest.raises(ProductError, match=r"\.asdf: a Dataset, not a dkist\.Inversion"):
        check_product([product])


def test_a_fits_file_of_the_wrong_shape_is_named(product):
    path = first_fits(product)
    with fits.open(path, mode="update") as units:
        units[1].data = units[1].data[:, :-1]
    with pytest.raises(
        ProductError, match=rf"{path.name}: .* has shape \(1, 7\): expected \(1, 8\)"
    ):
        check_product([product])
    path.write_text("no FITS")
    with pytest.raises(ProductError, match=rf"{path.name}: no FITS file of this product"):
        check_product([product])


def test_an_unknown_line_is_named(product):
    change_asdf(product, lambda inversion: rename(inversion.profiles, "FeI630_fit", "MgI517_fit"))
    with pytest.raises(
        ProductError, match=r"profile 'MgI517_fit' is not known; known: FeI630_orig"
    ):
        check_product([product])


def test_a_line_without_its_fit_is_named(product):
    change_asdf(product, lambda inversion: drop(inversion.profiles, "FeI630_fit"))
    with pytest.raises(ProductError, match="there is no profile FeI630_fit"):
        check_product([product])


def test_unknown_and_missing_quantities_are_named(product):
    change_asdf(product, lambda inversion: rename(inversion, "mag_azimuth", "colour"))
    with pytest.raises(ProductError, match="quantity 'colour' is not known; known: optical_depth"):
        check_product([product])
    change_asdf(product, lambda inversion: drop(inversion, "colour"))
    with pytest.raises(ProductError, match="there is no mag_azimuth, which every product needs"):
        check_product([product])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("inversionId", "inv.abc", "inversionId 'inv.abc': expected inv. and six of A-Z and 0-9"),
        ("datasetIds", [], "datasetIds: expected the datasets that were inverted"),
    ],
)
def test_the_inventory_says_what_it_is(product, key, value, message):
    change_asdf(product, lambda inversion: inversion.meta["inventory"].update({key: value}))
    with pytest.raises(ProductError, match=message):
        check_product([product])


def drop(collection, name):
    """Take a cube out of a collection, in place."""
    dict.pop(collection, name)
    collection.aligned_axes.pop(name)


# ----------------------------------------------------------------- files of people who mean no good


HEAD = """#ASDF 1.0.0
#ASDF_STANDARD 1.6.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
"""


def laughs(levels, width, kind="[{}]"):
    """Each level is an alias of the one below, many times."""
    lines, below = [], "x"
    for level in range(levels):
        inside = ", ".join(below if kind == "[{}]" else f"k{n}: {below}" for n in range(width))
        lines.append(f"a{level}: &a{level} {kind.format(inside)}")
        below = f"*a{level}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (laughs(9, 9), "its tree has more than 300,000 nodes"),
        (laughs(40, 2), "its tree has more than 300,000 nodes"),
        (laughs(9, 9, "{{{}}}"), "its tree has more than 300,000 nodes"),
        ("a: [" + "x, " * 400_000 + "x]", "its tree has more than 300,000 nodes"),
        ("a: " + "[" * 500 + "]" * 500, "nested more than 200 levels deep"),
        ("a: &a [1, *a]", "an alias of what is not there: a"),
        ("a: *b", "found undefined alias|an alias of what is not there"),
        ("a: !core/ndarray-1.1.0 {source: 'http://127.0.0.1:9/x.asdf'}", "refers to another file"),
        ("a: !core/ndarray-1.1.0 {source: 'file:///etc/passwd'}", "refers to another file"),
        ("a: {$ref: 'other.asdf#/tree'}", "refers to another file"),
        ("a: [", "dkist cannot load it: while parsing"),
        ("a: !!python/object/apply:os.system ['true']", "dkist cannot load it: "),
        ("a: !core/ndarray-1.1.0 {source: 7, shape: [99999999999], datatype: int8}", "dkist"),
    ],
)
def test_a_tree_that_nobody_should_build_is_refused_at_once(product, tree, message):
    the_asdf(product).write_text(f"{HEAD}{tree}\n...\n")
    with pytest.raises(ProductError, match=message) as error:
        check_product([product])
    assert str(error.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"#ASDF 1.0.0\n" + bytes(1000), bytes(10)])
def test_what_is_no_asdf_file_is_named(product, content):
    the_asdf(product).write_bytes(content)
    with pytest.raises(ProductError, match=r"\.asdf: dkist cannot load it: no "):
        check_product([product])


def test_no_part_of_a_product_is_opened_that_is_no_file(product, tmp_path):
    path = first_fits(product)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ProductError, match="not a regular file"):
        check_product([product])
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ProductError, match="not a regular file"):
        check_product([product])
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ProductError, match="there is no such file"):
        check_product([product])
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(ProductError, match="larger than 4,294,967,296 bytes"):
        check_product([product])
    for name in ("a\0b", "x" * 5000, "\udc80.fits", "two\nlines.fits"):
        with pytest.raises(ProductError) as error:
            check_product([tmp_path / name])
        assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "content",
    [
        b"SIMPLE  =                    T" + b" " * 3000,
        bytes(100_000),
        gzip.compress(bytes(200_000_000), 1),
        (
            f"{'SIMPLE  =                    T':80}{'BITPIX  =                    8':80}"
            f"{'NAXIS   =                    1':80}{'NAXIS1  =     9999999999999999':80}{'END':80}"
        )
        .ljust(2880)
        .encode(),
    ],
    ids=["no end of the header", "zeros", "packed", "a petabyte"],
)
def test_a_fits_file_that_promises_too_much_is_named(product, content):
    path = first_fits(product)
    path.write_bytes(content)
    with pytest.raises(ProductError) as error:
        check_product([product])
    assert str(path) in str(error.value)


def test_nothing_is_told_of_a_directory_that_holds_no_product(tmp_path):
    (tmp_path / "secret plans.txt").touch()
    with pytest.raises(ProductError, match="0 ASDF files: expected one") as error:
        check_product([tmp_path])
    assert "secret" not in str(error.value)


def test_a_check_ends_with_its_time_its_memory_or_its_process():
    with pytest.raises(LimitError, match=r"not done within 0\.5 s"):
        call_bounded("time:sleep", 1000, seconds=0.5, gigabytes=8)
    with pytest.raises(LimitError, match="needs more than 2 GB"):
        call_bounded("builtins:bytes", 1 << 40, seconds=100, gigabytes=2)
    with pytest.raises(LimitError, match="ended by the system"):
        call_bounded("os:_exit", 1, seconds=100, gigabytes=8)
    assert call_bounded("builtins:divmod", 7, 2, seconds=100, gigabytes=8) == (3, 1)


def test_a_check_asks_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with pytest.raises(LimitError, match="PermissionError"):
            call_bounded("socket:create_connection", address, seconds=100, gigabytes=8)
