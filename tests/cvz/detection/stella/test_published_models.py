"""The stella models: converted once, never half a file, never other weights than the published."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.published_models import (
    KERAS_FILES,
    SDIST,
    convert,
    default_file,
    ensure,
    load,
)
from cvzmpi.errors import ModelFileError
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
    weights, contents = invented
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(published_models, "KERAS_FILES", checksums)
    digest = hashlib.sha256()
    for name in KERAS_NAMES:
        for of_model in weights:
            digest.update(of_model[name].tobytes())
    monkeypatch.setattr(published_models, "WEIGHTS_SHA256", digest.hexdigest())
    return contents


@pytest.fixture(scope="module")
def real_sdist(tmp_path_factory):
    """Stella's source distribution from the package index."""
    directory = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
    command += ["stella", "stella==0.1.0", "--dest", str(directory)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("pip cannot download stella==0.1.0")
    return directory / SDIST


# ----------------------------------------------------------------- load


@pytest.fixture
def saved(models, tmp_path):
    """Write a file of the true weights, with changes."""

    def save(**changes):
        file = tmp_path / "models.npz"
        np.savez(file, **(models.weights | changes))
        return file

    return save


def test_the_models_are_ten_networks_of_float32_weights(models):
    assert len(models) == 10
    assert models.checksum == published_models.WEIGHTS_SHA256
    shapes = {name: weights.shape for name, weights in random_weights(0).items()}
    for model in range(10):
        assert {name: w.shape for name, w in models.of_model(model).items()} == shapes
    assert all(w.dtype == np.float32 for w in models.weights.values())


def test_the_true_weights_are_accepted_from_any_file(saved, models):
    loaded = load(saved())
    assert loaded.checksum == models.checksum
    for name, weights in models.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], weights)


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "absent.npz"
    with pytest.raises(ModelFileError, match=r"absent\.npz: no stella models .*`cvzmpi models`"):
        load(file)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 garbage", b"\x93NUMPY garbage"])
def test_garbage_is_no_file_of_models(tmp_path, content):
    file = tmp_path / "garbage.npz"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"garbage\.npz: not a file of converted stella"):
        load(file)


def test_an_array_file_is_no_file_of_models(tmp_path):
    file = tmp_path / "array.npz"
    with file.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(ModelFileError, match=r"array\.npz: not a file of converted stella"):
        load(file)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
def test_a_truncated_file_is_no_file_of_models(saved, share):
    file = saved()
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match=r"models\.npz: not a file of converted stella"):
        load(file)


def test_a_flipped_bit_is_noticed(saved):
    file = saved()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"models\.npz: "):
        load(file)


def test_a_file_without_one_of_the_weights_is_refused(saved, models):
    file = saved()
    np.savez(file, **{n: w for n, w in models.weights.items() if n != "dense2_bias"})
    with pytest.raises(ModelFileError, match=r"models\.npz: .*dense2_bias"):
        load(file)


@pytest.mark.parametrize("name", sorted(KERAS_NAMES))
def test_one_changed_weight_is_a_wrong_checksum(saved, models, name):
    changed = models.weights[name].copy()
    changed.flat[-1] = np.nextafter(changed.flat[-1], np.float32(9))
    with pytest.raises(ModelFileError, match=r"models\.npz: wrong checksum .* expected 42cf34ef"):
        load(saved(**{name: changed}))


def test_pickled_objects_are_never_loaded(saved):
    with pytest.raises(ModelFileError, match=r"models\.npz: not a file of converted stella"):
        load(saved(conv1_bias=np.array([object()])))


def test_the_cache_directory_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("CVZMPI_CACHE", str(tmp_path))
    assert default_file() == tmp_path / "stella-0.1.0.npz"
    monkeypatch.delenv("CVZMPI_CACHE")
    assert default_file().parent.name == "cvzmpi"


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
    expected = published_models.KERAS_FILES[tampered][:16]
    message = rf"{SDIST}: model {tampered} has checksum \w+\.\.\., expected {expected}"
    with pytest.raises(ModelFileError, match=message):
        convert(sdist)


def test_models_that_nobody_published_are_refused(invented, tmp_path):
    _, contents = invented
    sdist = write_sdist(tmp_path / SDIST, contents)
    with pytest.raises(ModelFileError, match=f"model {next(iter(KERAS_FILES))} has checksum"):
        ensure(tmp_path / "models.npz", sdist)
    assert [p.name for p in tmp_path.iterdir()] == [SDIST]


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


# ----------------------------------------------------------------- ensure


def test_the_file_is_made_once(published, tmp_path):
    file = tmp_path / "new" / "directory" / "models.npz"
    sdist = write_sdist(tmp_path / SDIST, published)
    first = ensure(file, sdist)
    assert [p.name for p in file.parent.iterdir()] == ["models.npz"]
    sdist.unlink()
    again = ensure(file, sdist)
    assert again.checksum == first.checksum == published_models.WEIGHTS_SHA256


def test_a_file_of_other_content_is_not_overwritten(published, tmp_path):
    file = tmp_path / "models.npz"
    file.write_bytes(b"something of somebody")
    with pytest.raises(ModelFileError, match="not a file of converted stella models"):
        ensure(file, write_sdist(tmp_path / SDIST, published))
    assert file.read_bytes() == b"something of somebody"


def test_no_half_written_file_is_left_when_writing_fails(published, tmp_path, monkeypatch):
    directory = tmp_path / "cache"
    written = []

    def disk_is_full(stream, **weights):
        stream.write(b"half of it")
        written.extend(p.name for p in directory.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_is_full)
    sdist = write_sdist(tmp_path / SDIST, published)
    with pytest.raises(ModelFileError, match=r"models\.npz: cannot be written: .*No space left"):
        ensure(directory / "models.npz", sdist)
    assert len(written) == 1
    assert written != ["models.npz"]  # not even while it is being written
    assert list(directory.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(published, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the directory should be")
    sdist = write_sdist(tmp_path / SDIST, published)
    with pytest.raises(ModelFileError, match=r"cache/models\.npz: cannot be written"):
        ensure(tmp_path / "cache" / "models.npz", sdist)


def test_a_failed_download_says_how_to_do_it_by_hand(tmp_path, monkeypatch):
    def no_network(command, **_):
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        return subprocess.CompletedProcess(command, 1, "", "trying\nERROR: no such host\n")

    monkeypatch.setattr(subprocess, "run", no_network)
    with pytest.raises(ModelFileError, match=f"no such host; .*`cvzmpi models --sdist {SDIST}`"):
        ensure(tmp_path / "models.npz")
    assert list(tmp_path.iterdir()) == []


def test_the_published_source_distribution_gives_the_published_weights(
    real_sdist, tmp_path, models
):
    converted = ensure(tmp_path / "models.npz", real_sdist)
    for name, weights in models.weights.items():
        np.testing.assert_array_equal(converted.weights[name], weights)
