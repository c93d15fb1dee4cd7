"""The stella models: those of the package, and no file of other weights than the published."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.published_models import WEIGHTS, load, packed_file
from cvzmpi.errors import ModelFileError
from tests.cvz.plain_network import random_weights


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
    with pytest.raises(ModelFileError, match=r"absent\.npz: no stella models .*`cvzmpi models "):
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


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_one_changed_weight_is_a_wrong_checksum(saved, models, name):
    changed = models.weights[name].copy()
    changed.flat[-1] = np.nextafter(changed.flat[-1], np.float32(9))
    with pytest.raises(ModelFileError, match=r"models\.npz: wrong checksum .* expected 42cf34ef"):
        load(saved(**{name: changed}))


def test_pickled_objects_are_never_loaded(saved):
    with pytest.raises(ModelFileError, match=r"models\.npz: not a file of converted stella"):
        load(saved(conv1_bias=np.array([object()])))


def test_the_licence_of_stella_travels_with_its_models():
    notice = (packed_file().parent / "LICENSE").read_text()
    assert "MIT License" in notice
    assert "Copyright (c) 2019 Adina Feinstein" in notice
    assert "The above copyright notice and this permission notice shall be included" in notice
