"""The ten published stella models: their weights, which travel with this package.

They are those of stella 0.1.0 (Feinstein et al. 2020, AJ 160, 219), converted by `stella_source`;
`networks/LICENSE` is stella's. Neither stella nor TensorFlow is ever imported.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.errors import ModelFileError
from cvzmpi.storage.whole_file import is_there

STELLA_VERSION = "0.1.0"

WEIGHTS = (
    *("conv1_kernel", "conv1_bias", "conv2_kernel", "conv2_bias"),
    *("dense1_kernel", "dense1_bias", "dense2_kernel", "dense2_bias"),
)
"""Names of the weights of a model, in the order of the checksum."""

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


def packed_file() -> Path:
    """The file of the converted models in this package."""
    return Path(__file__).parent / "networks" / f"stella-{STELLA_VERSION}.npz"


def load(file: Path) -> StellaModels:
    """Read the converted models and verify them.

    Raises
    ------
    ModelFileError
        If the file is missing, is no such file, or holds other weights than the published ones.
    """
    if not is_there(file, ModelFileError):
        raise ModelFileError(
            f"{file}: no stella models here; name no file for those that are part of cvzmpi, or "
            "write one with `cvzmpi models --file`"
        )
    try:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            raise ValueError("a single array")
        with stored:
            weights = {name: stored[name] for name in WEIGHTS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{file}: not a file of converted stella models ({error}); "
            "`cvzmpi models --file` writes one"
        ) from error
    checksum = checksum_of(weights)
    if checksum != WEIGHTS_SHA256:
        raise ModelFileError(
            f"{file}: wrong checksum {checksum[:16]}..., expected {WEIGHTS_SHA256[:16]}...; "
            "these are not the published stella models"
        )
    return StellaModels(weights, checksum)


def checksum_of(weights: dict[str, np.ndarray]) -> str:
    """SHA-256 over all weights of all models."""
    digest = hashlib.sha256()
    for name in WEIGHTS:
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()
