"""Level 1 datasets that cannot be used are one line: the file, the value, what was expected."""

import os
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.errors import Level1Error, MachineError
from cvzmpi.level2.maps.preprocess import preprocess_dataset
from cvzmpi.level2.settings import PreprocessSettings
from tests.level2.simulated_level1 import compress_level1, simulate_level1

FRAME = "VISP_00003.fits"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("simulated") / "level1"
    simulate_level1(directory, n_steps=2, n_slit=6)
    return directory


@pytest.fixture(scope="module", params=["plain", "compressed"])
def whole(request, simulated, tmp_path_factory):
    """A sound dataset; not to be changed."""
    if request.param == "plain":
        return simulated
    directory = shutil.copytree(simulated, tmp_path_factory.mktemp("compressed") / "level1")
    compress_level1(directory)
    return directory


@pytest.fixture
def level1(whole, tmp_path):
    """A copy, to be changed."""
    return shutil.copytree(whole, tmp_path / "level1")


@pytest.fixture
def refusal(tmp_path):
    """The message with which a dataset is refused."""

    def refusal(directory, dataset_id=None):
        settings = PreprocessSettings()
        with pytest.raises(Level1Error) as refused:
            preprocess_dataset(directory, tmp_path / "prepared", settings, dataset_id)
        assert "\n" not in str(refused.value)
        assert not list((tmp_path / "prepared").glob("*"))
        return str(refused.value)

    return refusal


def written_anew(path, change):
    """Write a frame as a whole file, with good checksums, with what `change` makes of its data."""
    with fits.open(path) as hdus:
        is_compressed = len(hdus) == 2
        data, header = hdus[-1].data.copy(), hdus[-1].header
    data = change(data, header)
    make = fits.CompImageHDU if is_compressed else fits.PrimaryHDU
    before = [fits.PrimaryHDU()] if is_compressed else []
    fits.HDUList([*before, make(data, header)]).writeto(path, overwrite=True, checksum=True)


def renamed_file_id(data, header):
    header["FILE_ID"] = "of another frame"
    return data


def with_zero_point(data, header):
    header["BZERO"] = 32768.0
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data, header: np.full_like(data, np.nan), "no finite value at the wavelengths"),
        (lambda data, header: np.zeros_like(data), "all values are 0 at the wavelengths"),
        (lambda data, header: data.astype(np.int32), "BITPIX is 32, expected -32 or -64"),
        (lambda data, header: data[:, :, :5], r"an image of 5 x 300 x 1; .* says 6 x 300"),
        (lambda data, header: data[0].T, r"an image of 300 x 6; .* says 6 x 300"),
        (renamed_file_id, "another file's content: FILE_ID is 'of another frame'"),
    ],
)
def test_a_frame_that_is_whole_and_wrong_is_named(level1, refusal, change, message):
    written_anew(level1 / FRAME, change)
    assert re.search(rf"^{level1 / FRAME}: .*{message}", refusal(level1))


def test_scaled_values_would_be_read_as_they_are_stored(simulated, tmp_path, refusal):
    level1 = shutil.copytree(simulated, tmp_path / "level1")
    content = (level1 / FRAME).read_bytes()
    for card in (b"CHECKSUM=", b"DATASUM ="):
        begin = content.index(card)
        new = b"BZERO   =              32768.0" if card == b"CHECKSUM=" else b"COMMENT"
        content = content[:begin] + new.ljust(80) + content[begin + 80 :]
    (level1 / FRAME).write_bytes(content)
    assert "BZERO is 32768.0, expected values that are not scaled" in refusal(level1)


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_directory(path):
    path.unlink()
    path.mkdir()


def make_dangling_link(path):
    path.unlink()
    path.symlink_to("nowhere.fits")


def make_larger(path):
    path.unlink()
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (lambda path: path.unlink(), "named by the ASDF file, and not there"),
        (make_dangling_link, "named by the ASDF file, and not there"),
        (make_pipe, "not a regular file"),
        (make_directory, "a directory, not a regular file"),
        (make_larger, "larger than 1,073,741,824 bytes"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("404 Not Found"), "not a FITS file"),
    ],
)
def test_what_stands_in_place_of_a_frame_is_named(level1, refusal, replace, message):
    replace(level1 / FRAME)
    assert refusal(level1) == f"{level1 / FRAME}: {message}"


def test_a_frame_that_may_not_be_read_is_named(level1, refusal, monkeypatch):
    really_open = os.open

    def refuse(path, *more, **named):
        if str(path).endswith(FRAME):
            raise PermissionError(13, "Permission denied")
        return really_open(path, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    assert refusal(level1) == f"{level1 / FRAME}: cannot be read: Permission denied"


# ----------------------------------------------------------------- the ASDF file


def edited(old, new):
    def edit(path):
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "No asdf file found"),
        (make_pipe, "not a regular file"),
        (make_directory, "a directory, not a regular file"),
        (make_larger, "larger than 1,073,741,824 bytes"),
        (lambda path: path.write_bytes(b""), "cannot be read: "),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "cannot be read: "),
        (lambda path: path.write_bytes(path.read_bytes()[:-3000]), "cannot be read: "),
        (lambda path: path.write_bytes(os.urandom(9999)), "cannot be read: "),
        (edited(FRAME.encode(), b"/etc/passwd.fits"), "is no file of this directory"),
        (edited(FRAME.encode(), b"../P_00003.fits"), "is no file of this directory"),
        (edited(FRAME.encode(), b"VISP_00002.fits"), "'VISP_00002.fits' stands for several frames"),
        (edited(b", VISP_00003.fits]", b"]"), "cannot be read: "),
        (edited(b"    - [VISP_00006.fits, VISP_00007.fits]\n", b""), r"\(3, 2, 300, 6\); expected"),
        (edited(b"shape: [1, 300, 6]", b"shape: [1, 300, 0]"), "6 x 300|0 x 300|cannot be read"),
        (edited(b"shape: [1, 300, 6]", b"shape: [1, 1, 6]"), "1 wavelengths, expected a spectrum"),
        (edited(b"instrumentName: VISP", b"instrumentName: VBI"), "from VBI, expected ViSP"),
        (edited(b"datasetId: ", b"datasetId: ../../"), "datasetId is '../../"),
    ],
)
def test_an_asdf_file_that_cannot_be_used_is_one_line(level1, refusal, change, message):
    (path,) = level1.glob("*.asdf")
    change(path)
    refused = refusal(level1)
    assert refused.startswith(str(level1))
    assert re.search(message, refused)


def test_two_datasets_in_a_directory_are_refused(level1, refusal):
    (path,) = level1.glob("*.asdf")
    shutil.copy(path, path.with_name("another.asdf"))
    assert refusal(level1) == f"{level1}: ASDF files of 2 datasets, expected one"


def test_another_dataset_than_the_one_expected_is_refused(level1, refusal):
    assert re.search(f"^{level1}: is dataset [A-Z]+, expected BLKGA$", refusal(level1, "BLKGA"))


def test_a_dataset_without_the_wavelengths_is_refused(level1, tmp_path):
    elsewhere = PreprocessSettings(first_wavelength=854.0, last_wavelength=854.4)
    with pytest.raises(Level1Error, match=r"has 630\.\d+ to 630\.\d+ nm, expected 854.0 to 854.4"):
        preprocess_dataset(level1, tmp_path / "prepared", elsewhere)


def test_a_full_disk_is_not_the_datasets_fault(level1, tmp_path, monkeypatch):
    def no_room(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(MachineError, match=r"prepared: cannot be written: .*No space left"):
        preprocess_dataset(level1, tmp_path / "prepared", PreprocessSettings())
