"""The ten published stella models: fetched from PyPI, verified, converted to one compact file.

The source distribution of stella 0.1.0 holds the Keras files of the ensemble that the papers use
(Feinstein et al. 2020, AJ 160, 219). Only their weights are needed; neither stella nor TensorFlow
is ever imported.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import platformdirs

from cvzmpi.errors import ModelFileError, one_line

STELLA_VERSION = "0.1.0"
SDIST = f"stella-{STELLA_VERSION}.tar.gz"
COMPACT_FILE = f"stella-{STELLA_VERSION}.npz"

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
_WEIGHTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "conv1_kernel": ("conv1d/conv1d/kernel:0", (7, 1, 16)),
    "conv1_bias": ("conv1d/conv1d/bias:0", (16,)),
    "conv2_kernel": ("conv1d_1/conv1d_1/kernel:0", (3, 16, 64)),
    "conv2_bias": ("conv1d_1/conv1d_1/bias:0", (64,)),
    "dense1_kernel": ("dense/dense/kernel:0", (3200, 32)),
    "dense1_bias": ("dense/dense/bias:0", (32,)),
    "dense2_kernel": ("dense_1/dense_1/kernel:0", (32, 1)),
    "dense2_bias": ("dense_1/dense_1/bias:0", (1,)),
}
# SHA-256 over all weights of all models, in the orders above.
WEIGHTS_SHA256 = "42cf34efbd61034cefcb3085f0e4bce01e40283b1b38380362a75e9f42b5b985"


@dataclass(frozen=True)
class StellaModels:
    """The weights of the ensemble."""

    # float32 arrays by name, all models stacked along the first axis
    weights: dict[str, np.ndarray]
    checksum: str  # SHA-256 over all of them

    def __len__(self) -> int:
        return len(self.weights["conv1_bias"])

    def of_model(self, model: int) -> dict[str, np.ndarray]:
        """The weights of one model."""
        return {name: stacked[model] for name, stacked in self.weights.items()}


def default_file() -> Path:
    """The file of the converted models in `CVZMPI_CACHE`, or in the user's cache directory."""
    cache = os.environ.get("CVZMPI_CACHE")
    if cache:
        return Path(cache) / COMPACT_FILE
    return platformdirs.user_cache_path("cvzmpi") / COMPACT_FILE


def load(file: Path) -> StellaModels:
    """Read the converted models and verify them.

    Raises
    ------
    ModelFileError
        If the file is missing, is no such file, or holds other weights than the published ones.
    """
    try:
        if not file.exists():
            raise ModelFileError(f"{file}: no stella models here; `cvzmpi models` fetches them")
    except PermissionError as error:
        raise ModelFileError(f"{file}: cannot be read: {error.strerror}") from error
    try:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            raise ValueError("a single array")
        with stored:
            weights = {name: stored[name] for name in _WEIGHTS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{file}: not a file of converted stella models ({error}); "
            "delete it and run `cvzmpi models`"
        ) from error
    checksum = _checksum(weights)
    if checksum != WEIGHTS_SHA256:
        raise ModelFileError(
            f"{file}: wrong checksum {checksum[:16]}..., expected {WEIGHTS_SHA256[:16]}...; "
            "these are not the published stella models: delete it and run `cvzmpi models`"
        )
    return StellaModels(weights, checksum)


def ensure(file: Path, sdist: Path | None = None) -> StellaModels:
    """Load the converted models, after making the file if it is not there.

    Parameters
    ----------
    file : Path
        The converted models.
    sdist : Path, optional
        The source distribution of stella, where it was fetched before; else pip fetches it.

    Raises
    ------
    ModelFileError
        If that fails, or the file cannot be written.
    """
    if not file.exists():
        with tempfile.TemporaryDirectory(prefix="cvzmpi-models-") as directory:
            weights = convert(sdist or _fetch(Path(directory)))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, weights)
        except OSError as error:
            raise ModelFileError(f"{file}: cannot be written: {error}") from error
    return load(file)


def convert(sdist: Path) -> dict[str, np.ndarray]:
    """Read the weights of the ten models out of stella's source distribution.

    Raises
    ------
    ModelFileError
        If the file is not that distribution, or a model does not have its published checksum.
    """
    models = [_keras_weights(content) for content in _keras_contents(sdist)]
    return {name: np.stack([model[name] for model in models]) for name in _WEIGHTS}


def _fetch(directory: Path) -> Path:
    """Let pip download the source distribution: it knows the site's index, proxy, certificates."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", "stella", f"stella=={STELLA_VERSION}", "--dest", str(directory)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    sdist = directory / SDIST
    if outcome.returncode != 0 or not sdist.exists():
        reason = (outcome.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelFileError(
            f"pip could not download {SDIST}: {reason}; on a machine with a network run "
            f"`pip download --no-deps --no-binary stella stella=={STELLA_VERSION}`, "
            f"copy the file here, and run `cvzmpi models --sdist {SDIST}`"
        )
    return sdist


def _keras_contents(sdist: Path) -> list[bytes]:
    """The ten Keras files, each with its checksum verified."""
    try:
        with tarfile.open(sdist) as archive:
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
            f"{sdist}: not the source of stella {STELLA_VERSION}: {one_line(error)}"
        ) from error
    for name, content in contents.items():
        checksum = hashlib.sha256(content).hexdigest()
        if checksum != KERAS_FILES[name]:
            raise ModelFileError(
                f"{sdist}: model {name} has checksum {checksum[:16]}..., "
                f"expected {KERAS_FILES[name][:16]}..."
            )
    return list(contents.values())


def _keras_weights(content: bytes) -> dict[str, np.ndarray]:
    with h5py.File(io.BytesIO(content), "r") as file:
        return {
            name: file["model_weights"][path][()].astype(np.float32).reshape(shape)
            for name, (path, shape) in _WEIGHTS.items()
        }


def _write(file: Path, weights: dict[str, np.ndarray]) -> None:
    """Write the compact file aside and rename it, so that no half-written one is ever found."""
    aside = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with aside.open("wb") as stream:
            np.savez(stream, **weights)  # type: ignore[arg-type]
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def _checksum(weights: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in _WEIGHTS:
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()
