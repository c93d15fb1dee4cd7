"""The source of stella: its models are converted as they are, or refused."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from cvzmpi.cvz.archive.package_index import fetch_distribution
from cvzmpi.cvz.detection.stella import stella_source
from cvzmpi.cvz.detection.stella.published_models import checksum_of, load, packed_file
from cvzmpi.cvz.detection.stella.stella_source import (
    KERAS_FILES,
    SDIST,
    SDIST_SHA256,
    convert,
    write,
)
from cvzmpi.errors import ArchiveError, ModelFileError
from tests.cvz.plain_network import random_weights

KERAS_NAMES = {
    "conv1_kernel": "conv1d/conv1d/kernel:0",
    "conv1_bias": "conv1d/conv1d/bias:0",
    "conv2_kernel": "conv1d_1/conv1d_1/kernel:0",
    "conv2_bias": "conv1d_1/conv1d_1/bias:0",
    "dense1_kernel": "dense/dense/kernel:0",
    "dense1_bias": "dense/dense/bias:0",
    "dense2_kernel": "dense_1/dense_1/kernel:0",
    "dense2_bias": "dense_1/dense_1/bias:0",
}


def keras_file(weights):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, path in KERAS_NAMES.items():
            file[f"model_weights/{path}"] = weights[name]
    return content.getvalue()


def write_sdist(path, contents):
    """A source distribution like stella's, as far as the models go."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as models:
        for name, content in contents.items():
            models.writestr(f"run01/{name}", content)
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("stella-0.1.0/final_models.zip")
        member.size = len(bundle.getvalue())
        archive.addfile(member, io.BytesIO(bundle.getvalue()))
    return path


@pytest.fixture(scope="module")
def invented():
    """Ten models that nobody published, and their Keras files."""
    weights = [random_weights(seed) for seed in range(len(KERAS_FILES))]
    files = [keras_file(w) for w in weights]
    return weights, dict(zip(KERAS_FILES, files, strict=True))


@pytest.fixture
def published(invented, monkeypatch):
    """Have the program take the invented models for the published ones."""
    _, contents = invented
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(stella_source, "KERAS_FILES", checksums)
    return contents


@pytest.fixture(scope="module")
def real_sdist(tmp_path_factory):
    """Stella's source distribution from the package index."""
    file = tmp_path_factory.mktemp("sdist") / SDIST
    try:
        file.write_bytes(fetch_distribution("stella", SDIST, SDIST_SHA256))
    except ArchiveError as error:
        pytest.skip(f"stella's source cannot be fetched: {error}")
    return file


# ----------------------------------------------------------------- convert


def test_conversion_keeps_every_weight_in_the_order_of_the_ensemble(published, invented, tmp_path):
    weights, _ = invented
    # the order in the archive is another one
    sdist = write_sdist(tmp_path / SDIST, dict(reversed(published.items())))
    converted = convert(sdist)
    assert set(converted) == set(KERAS_NAMES)
    for model, expected in enumerate(weights):
        for name in KERAS_NAMES:
            np.testing.assert_array_equal(converted[name][model], expected[name])


@pytest.mark.parametrize("tampered", [min(KERAS_FILES), max(KERAS_FILES)])
def test_a_tampered_model_is_named_with_both_checksums(published, tmp_path, tampered):
    content = bytearray(published[tampered])
    content[-1] ^= 1
    sdist = write_sdist(tmp_path / SDIST, published | {tampered: bytes(content)})
    expected = stella_source.KERAS_FILES[tampered][:16]
    message = rf"{SDIST}: model {tampered} has checksum \w+\.\.\., expected {expected}"
    with pytest.raises(ModelFileError, match=message):
        convert(sdist)


def test_models_that_nobody_published_are_refused(invented, tmp_path):
    _, contents = invented
    sdist = write_sdist(tmp_path / SDIST, contents)
    with pytest.raises(ModelFileError, match=f"model {next(iter(KERAS_FILES))} has checksum"):
        convert(sdist)


def test_what_is_not_the_source_of_stella_is_refused(published, tmp_path):
    absent, garbage, empty = (tmp_path / name for name in ("absent", "garbage", "empty.tar.gz"))
    garbage.write_bytes(b"garbage")
    with tarfile.open(empty, "w:gz"):
        pass
    one_model_less = dict(list(published.items())[:-1])
    incomplete = write_sdist(tmp_path / "incomplete.tar.gz", one_model_less)
    truncated = write_sdist(tmp_path / "truncated.tar.gz", published)
    truncated.write_bytes(truncated.read_bytes()[:-5000])
    for file in (absent, garbage, empty, incomplete, truncated, tmp_path):
        with pytest.raises(ModelFileError, match=rf"{file.name}: not the source of stella 0\.1\.0"):
            convert(file)


# ----------------------------------------------------------------- write


def test_the_same_weights_are_the_same_bytes_which_are_those_of_the_package(models, tmp_path):
    write(tmp_path / "new" / "directory" / "models.npz", models.weights)
    written = tmp_path / "new" / "directory" / "models.npz"
    assert [p.name for p in written.parent.iterdir()] == ["models.npz"]
    write(tmp_path / "again.npz", models.weights)
    assert (tmp_path / "again.npz").read_bytes() == written.read_bytes()
    # Heads of members hold a version number that Python 3.11.4 changed; members do not.
    with zipfile.ZipFile(written) as ours, zipfile.ZipFile(packed_file()) as packed:
        assert ours.namelist() == packed.namelist()
        assert all(ours.read(name) == packed.read(name) for name in packed.namelist())
    assert load(written).checksum == models.checksum


def test_no_half_written_file_is_left_when_writing_fails(models, tmp_path, monkeypatch):
    directory = tmp_path / "somewhere"
    written = []

    def disk_is_full(stream, **weights):
        stream.write(b"half of it")
        written.extend(p.name for p in directory.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_is_full)
    with pytest.raises(ModelFileError, match=r"models\.npz: cannot be written: .*No space left"):
        write(directory / "models.npz", models.weights)
    assert len(written) == 1
    assert written != ["models.npz"]  # not even while it is being written
    assert list(directory.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named(models, tmp_path):
    (tmp_path / "file").write_bytes(b"a file where the directory should be")
    with pytest.raises(ModelFileError, match=r"file/models\.npz: cannot be written"):
        write(tmp_path / "file" / "models.npz", models.weights)


# ----------------------------------------------------------------- `cvzmpi models`


def test_the_models_of_the_package_are_those_of_the_source(call, real_sdist, tmp_path, models):
    status, out, _ = call("models", "--sdist", real_sdist, "--file", tmp_path / "models.npz")
    assert status == 0
    first, second, _ = out.splitlines()
    assert first == f"10 stella models, checksum {models.checksum[:16]}..., in {packed_file()}"
    assert second == f"converted from {real_sdist}: every weight is the same"
    assert (tmp_path / "models.npz").read_bytes() == packed_file().read_bytes()


def test_models_that_differ_from_those_of_the_package_are_one_line(call, published, tmp_path):
    sdist = write_sdist(tmp_path / SDIST, published)
    status, _, err = call("models", "--sdist", sdist, "--file", tmp_path / "models.npz")
    assert status == 2
    (line,) = err.splitlines()
    other, ours = checksum_of(convert(sdist))[:16], load(packed_file()).checksum[:16]
    assert f"{other}..., and those of this package {ours}...: they differ" in line
    assert not (tmp_path / "models.npz").exists()


def test_a_file_of_other_content_is_not_overwritten(call, real_sdist, tmp_path):
    file = tmp_path / "models.npz"
    file.write_bytes(b"something of somebody")
    status, _, err = call("models", "--sdist", real_sdist, "--file", file)
    assert status == 2
    assert "not a file of converted stella models" in err
    assert file.read_bytes() == b"something of somebody"


def test_a_failed_download_says_how_to_do_it_by_hand(call, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    status, _, err = call("models")
    assert status == 2
    (line,) = err.splitlines()
    assert "127.0.0.1:9/simple/stella/: the connection failed" in line
    assert f"`cvzmpi models --sdist {SDIST}`" in line
