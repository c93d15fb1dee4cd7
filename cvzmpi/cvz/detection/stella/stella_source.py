"""The source of stella, from which its models are converted to one compact file.

The source distribution of stella 0.1.0 holds the Keras files of the ensemble that the papers use
(Feinstein et al. 2020, AJ 160, 219). Only their weights are needed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.detection.stella.published_models import STELLA_VERSION
from cvzmpi.errors import ModelFileError, one_line

SDIST = f"stella-{STELLA_VERSION}.tar.gz"
SDIST_SHA256 = "9e1e124dcb80f1806aabe0177169f6b6746573c6a1b70670556dca5f4c8773de"

# SHA-256 of the Keras files, in the order of the ensemble: that of their names, as stella has it.
_SHA256_BY_SEED = {
    "0004": "c5d92437c599f0c5ef92e5c6de490be90318af33f0c3a5fd6ded4fb19a0d11b1",
    "0005": "cba345c4f4ea5f8d9286cc584968ddf665397ddea6edb38e3923384077e4e5e2",
    "0018": "855d14f1a41cc07a4cc24a2b04f7931b4b98bc9d955cb23950c9fe8193c479fa",
    "0028": "5e33be56a38ab7de82f6cc01a2b684292f9195cd3058bdbef9dd1ecac6cdcf15",
    "0029": "aa1375f93ee8e080fd0fa9c964f8841ca6a37ae992cd8295028b8345f4d0f9ba",
    "0038": "cfd9c28714fe1d4778a8a5f27c1b797710abecdb922a5f3408abaa8ed0db9fdc",
    "0050": "16df1c8c3aa8d3f430441fe615b33ac51ff33a8e5a0f8169c84a9d974b11c6ca",
    "0077": "af873bf2c7054f1260e7149b343fb7045552092f6b62d93f36ce03d2606ddac0",
    "0078": "cd69f050a4e423d2579b446ddcb39afb542ef14cd4e122e659be0e382d1662cc",
    "0080": "7a882aa991487dc047cd372c5ed1489586672b943155f20466fc2d17ee6753b3",
}
KERAS_FILES = {
    f"ensemble_s{seed}_i0350_b0.73.h5": checksum for seed, checksum in _SHA256_BY_SEED.items()
}

# What the weights are called here, in Keras, and their shape in one model.
_KERAS_WEIGHTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "conv1_kernel": ("conv1d/conv1d/kernel:0", (7, 1, 16)),
    "conv1_bias": ("conv1d/conv1d/bias:0", (16,)),
    "conv2_kernel": ("conv1d_1/conv1d_1/kernel:0", (3, 16, 64)),
    "conv2_bias": ("conv1d_1/conv1d_1/bias:0", (64,)),
    "dense1_kernel": ("dense/dense/kernel:0", (3200, 32)),
    "dense1_bias": ("dense/dense/bias:0", (32,)),
    "dense2_kernel": ("dense_1/dense_1/kernel:0", (32, 1)),
    "dense2_bias": ("dense_1/dense_1/bias:0", (1,)),
}


def convert(sdist: Path | bytes) -> dict[str, np.ndarray]:
    """Read the weights of the ten models out of stella's source distribution.

    Parameters
    ----------
    sdist : Path or bytes
        The distribution, or its file.

    Raises
    ------
    ModelFileError
        If it is not that distribution, or a model does not have its published checksum.
    """
    models = [_keras_weights(content) for content in keras_contents(sdist)]
    return {name: np.stack([model[name] for model in models]) for name in _KERAS_WEIGHTS}


def keras_contents(sdist: Path | bytes) -> list[bytes]:
    """The ten Keras files, each with its checksum verified.

    Raises
    ------
    ModelFileError
        As `convert`.
    """
    name_of_sdist = SDIST if isinstance(sdist, bytes) else str(sdist)
    try:
        content = sdist if isinstance(sdist, bytes) else sdist.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile(f"stella-{STELLA_VERSION}/final_models.zip")
            if member is None:
                raise KeyError("final_models.zip is not a file")
            bundle = member.read()
        with zipfile.ZipFile(io.BytesIO(bundle)) as models:
            contents = {name: models.read(f"run01/{name}") for name in KERAS_FILES}
    except (
        OSError, EOFError, KeyError, tarfile.TarError, zipfile.BadZipFile, zlib.error
    ) as error:  # fmt: skip
        raise ModelFileError(
            f"{name_of_sdist}: not the source of stella {STELLA_VERSION}: {one_line(error)}"
        ) from error
    for name, content in contents.items():
        checksum = hashlib.sha256(content).hexdigest()
        if checksum != KERAS_FILES[name]:
            raise ModelFileError(
                f"{name_of_sdist}: model {name} has checksum {checksum[:16]}..., "
                f"expected {KERAS_FILES[name][:16]}..."
            )
    return list(contents.values())


def _keras_weights(content: bytes) -> dict[str, np.ndarray]:
    with h5py.File(io.BytesIO(content), "r") as file:
        return {
            name: file["model_weights"][path][()].astype(np.float32).reshape(shape)
            for name, (path, shape) in _KERAS_WEIGHTS.items()
        }


def write(file: Path, weights: dict[str, np.ndarray]) -> None:
    """Write the compact file aside and rename it, so that no half-written one is ever found.

    The same weights give the same bytes: nothing is compressed, and NumPy writes no times.

    Raises
    ------
    ModelFileError
        If it cannot be written.
    """
    aside = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as stream:
            np.savez(stream, **weights)  # type: ignore[arg-type]
        aside.replace(file)
    except OSError as error:
        raise ModelFileError(f"{file}: cannot be written: {error}") from error
    finally:
        if file.parent.is_dir():
            aside.unlink(missing_ok=True)
