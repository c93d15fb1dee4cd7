"""What an inverted map was made with, which its file says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import h5py


@dataclass(frozen=True)
class Origin:
    """The settings, profiles and software that an inverted map was made with."""

    settings_json: str  # of the inversion, canonical
    prepared_checksum: str  # of the prepared map's profiles
    software: Mapping[str, str]  # versions by name
    spectral_profile: str | None = None  # the table of the instrument's, if it is not a Gaussian

    @property
    def coupled(self) -> bool:
        """Whether neighbours draw pixels to them."""
        return bool(json.loads(self.settings_json).get("coupling", 0) > 0)

    @classmethod
    def of_file(cls, file: h5py.File) -> Origin:
        """What `write` wrote."""
        return cls(
            str(file.attrs["settings"]),
            str(file.attrs["prepared_sha256"]),
            json.loads(file.attrs["software"]),
            file.attrs.get("spectral_profile"),
        )

    def write(self, file: h5py.File) -> None:
        """Write it into the attributes of a new file."""
        file.attrs["settings"] = self.settings_json
        file.attrs["prepared_sha256"] = self.prepared_checksum
        file.attrs["software"] = json.dumps(dict(self.software), sort_keys=True)
        if self.spectral_profile is not None:
            file.attrs["spectral_profile"] = self.spectral_profile
