"""The maps that a program has, and the files that they are in now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvzmpi.ledger import Recorded
from cvzmpi.level2.handing_in.checked_result import DESIRE
from cvzmpi.level2.handing_in.hand_in import TEAM
from cvzmpi.level2.inversion.recorded_maps import last_maps
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX, map_name
from cvzmpi.level2.programs.inversions import Inversion
from cvzmpi.level2.service.transfer_state import destinations
from cvzmpi.level2.steps import Level2Steps

_FIELD = ("field_strength", "inclination", "azimuth", "velocity")
_POLARISATION = ("continuum", "linear_polarisation", "circular_polarisation")


@dataclass(frozen=True)
class ProgramMap:
    """A map of a program."""

    name: str  # the inversion id or, of a map without a result, the name of its file
    what: str  # in words, where it comes from
    files: tuple[Path, ...]  # where the map may be, the best file first
    prepared: Path | None = None  # the prepared map, with the profiles

    @property
    def file(self) -> Path | None:
        """The file to show; None if all have gone."""
        return next((file for file in self.files if file.exists()), None)

    @property
    def prepared_file(self) -> Path | None:
        """The prepared map, if it is there."""
        return self.prepared if self.prepared is not None and self.prepared.exists() else None

    @property
    def thumbnails(self) -> tuple[str, ...]:
        """The quantities of its thumbnails, which every file of its kind has."""
        if self.file == self.prepared:
            return _POLARISATION
        inverted_here = self.file is not None and self.file.name.endswith(INVERTED_SUFFIX)
        return ("continuum", *_FIELD) if inverted_here else _FIELD

    @property
    def gone(self) -> str:
        """The words for a map whose files have gone; "" if one is there."""
        if self.file is not None:
            return ""
        return f"The files of {self.name} are not here any more: {self.files[0]}"


def maps_of_program(steps: Level2Steps, program: str) -> list[ProgramMap]:
    """The maps of the newest result, and those that are prepared or being inverted since."""
    history = steps.ledger.history(program)
    result = steps.catalogue.result(program)
    found = [
        _of_inversion(steps, inversion, history)
        for inversion in result
        if not _is_to_be_made(steps, inversion, history)
    ]
    known = {file for one in found for file in one.files}
    for one in last_maps(history, steps.config.maps.inverted) or ():
        if one.inverted not in known:
            name = map_name(one.prepared)
            files = (one.inverted, one.prepared)
            found.append(ProgramMap(name, "without a result yet", files, one.prepared))
    return found


def _is_to_be_made(steps: Level2Steps, inversion: Inversion, history: list[Recorded]) -> bool:
    """True if there are DeSIRe's files alone, and the product is made before it is published."""
    if inversion.detail.get("kind") != DESIRE or destinations(history, inversion.inversion_id):
        return False
    return not (steps.config.publish.staging / inversion.inversion_id).exists()


def _of_inversion(steps: Level2Steps, inversion: Inversion, history: list[Recorded]) -> ProgramMap:
    """The map of a result: where it was made, or where its product was brought."""
    settings, inversion_id = steps.config.publish, inversion.inversion_id
    products = [
        settings.destination / destination for destination in destinations(history, inversion_id)
    ]
    detail: dict[str, Any] = inversion.detail
    if inversion.method == TEAM:
        made = Path(detail["asdf"]) if "asdf" in detail else settings.staging / inversion_id
        files = (made, *products)
        return ProgramMap(inversion_id, f"by the {TEAM}", files)
    files = (Path(detail["inverted"]), settings.staging / inversion_id, *products)
    return ProgramMap(inversion_id, inversion.method, files, Path(detail["prepared"]))
