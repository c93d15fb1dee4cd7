"""A small sunspot: its prepared map, and as much of the inverted one as is asked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_writer import InversionWriter
from cvzmpi.level2.inversion.map_inversion import MapTickets, Tools, origin_of
from cvzmpi.level2.maps.map_scale import ASTRONOMICAL_UNIT, MapScale
from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from cvzmpi.level2.maps.simulated_map import noisy_profiles
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

SHAPE = (16, 24)
SCALE = MapScale(0.9, 0.6, (-310.0, 145.0), ASTRONOMICAL_UNIT)
WITHOUT_PROFILES = (2, 5)
"""A pixel that cannot be inverted."""

WAVELENGTH = 630.075 + 0.0026 * np.arange(96)


@dataclass(frozen=True)
class Sunspot:
    prepared: Path
    inverted: Path


def make_sunspot(directory, name="SPOT", n_inverted=SHAPE[0], inverted=None, scale=SCALE):
    """Write the maps; of the inverted one, so many scan positions are done."""
    prepared = directory / "prepared" / f"{name}.prepared.h5"
    random = np.random.default_rng(1)
    spot = _atmospheres()
    with PreparedMapWriter(prepared, SHAPE, WAVELENGTH, np.ones(len(WAVELENGTH))) as writer:
        for step, parameters in enumerate(spot):
            profiles = noisy_profiles(parameters, random, WAVELENGTH)
            if step == WITHOUT_PROFILES[0]:
                profiles[WITHOUT_PROFILES[1]] = np.nan
            writer.write(profiles)
        writer.record = {"scale": None if scale is None else scale.as_record()}
    inverted = inverted or directory / "inverted" / f"{name}.inverted.h5"
    _invert(PreparedMap.read(prepared), inverted, n_inverted)
    return Sunspot(prepared, inverted)


def _atmospheres():
    y, x = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    radius, direction = np.hypot(x, y), np.arctan2(y, x)
    spot = np.empty((*SHAPE, me.N_PARAMETERS))
    spot[..., me.FIELD] = 400 + 2400 * np.exp(-((radius / 0.6) ** 2))
    spot[..., me.INCLINATION] = np.radians(np.clip(90 * radius, 0, 100))
    spot[..., me.AZIMUTH] = np.mod(direction, np.pi)
    spot[..., me.VELOCITY] = 1.5 * np.exp(-(((radius - 0.7) / 0.25) ** 2)) * np.cos(direction)
    continuum = 1 - 0.7 * np.exp(-((radius / 0.5) ** 4))
    spot[..., me.DOPPLER_WIDTH] = 2.8
    spot[..., me.DAMPING] = 0.3
    spot[..., me.LINE_STRENGTH] = 12
    spot[..., me.SOURCE_CONSTANT] = 0.3 * continuum
    spot[..., me.SOURCE_GRADIENT] = 0.7 * continuum
    spot[..., me.FILLING_FACTOR] = 1
    return spot


def _invert(prepared, path, n_steps):
    tools = Tools.of(InversionSettings(), 5.0, fsync=False)
    tickets = MapTickets(prepared.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    inversion_file.create(path, prepared.shape, len(tickets), origin_of(prepared, tools), False)
    model = MilneEddington(prepared.wavelength)
    writer = InversionWriter(path, fsync=False)
    with writer:
        for ticket in range(n_steps):  # the slit is no longer than a ticket
            place = tickets.place(ticket)
            writer.write(place, invert(model, prepared.read_profiles(place), tools.settings))
        writer.count_down(len(tickets) - n_steps)
