"""A map whose inversion is begun, and the work on its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cvzmpi.level2.inversion.inversion_writer import InversionWriter
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.neighbours import coupled_inversion, coupling
from cvzmpi.level2.neighbours.stray_light import ModelOfPixels
from cvzmpi.level2.pixels import noise
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.tellurics import Telluric


@dataclass(frozen=True)
class BegunMap:
    """What all of a team need, of a map that its leader has begun or goes on with."""

    prepared: PreparedMap
    model: ModelOfPixels
    settings: InversionSettings

    @cached_property
    def tellurics(self) -> tuple[Telluric, ...]:
        """Where the lines of the Earth's atmosphere are."""
        return self.prepared.tellurics

    @cached_property
    def map_noise(self) -> float | None:
        """The noise that the map tells of itself."""
        return noise.of_record(self.prepared.record)

    def work(self, sweep: int, writer: InversionWriter, place: tuple[int, slice]) -> None:
        """Do a sweep at a place; 0 is the inversion of each pixel by itself.

        Raises
        ------
        MapFileError
        """
        profiles, model = self.prepared.read_profiles(place), self.model.at(place)
        if sweep == 0:
            found = invert(model, profiles, self.settings, self.tellurics, self.map_noise)
            writer.write(place, found)
            return
        neighbourhood = coupling.around(
            lambda at: writer.read_sweep(at, sweep - 1),
            place,
            self.prepared.shape,
            self.settings.coupling,
        )
        swept = coupled_inversion.sweep(
            model, profiles, neighbourhood, self.settings, self.tellurics, self.map_noise
        )
        writer.write_sweep(place, sweep, swept)
