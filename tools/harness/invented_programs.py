"""A Level 2 campaign of invented programs whose maps are prepared: what `level2 run` works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.level2.inversion.inversion_unit import record_of
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.simulated_map import simulate_prepared

WAVELENGTH = 630.08 + 0.0026 * np.arange(94)


def invent_programs(
    directory: Path,
    programs: Mapping[str, Sequence[tuple[int, int]]],
    wavelength: np.ndarray = WAVELENGTH,
    location: str | None = None,
) -> None:
    """Prepare maps of invented atmospheres, and record them in a ledger.

    Parameters
    ----------
    directory : Path
        Of a campaign with the default configuration, but for the `location` of the ledger.
    programs : mapping
        For each program, the shapes of its maps: scan positions, and pixels along the slit.
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    """
    prepared = directory / "maps" / "prepared"
    seed = 0
    with (
        Ledger.open(location or directory / "ledger.sqlite") as ledger,
        ledger.job("invent") as job,
    ):
        for name, shapes in programs.items():
            maps = []
            for number, shape in enumerate(shapes):
                path, _ = simulate_prepared(
                    prepared, f"{name}_{number:03d}", shape, seed, wavelength
                )
                maps.append((directory / "level1" / name, PreparedMap.read(path)))
                seed += 1
            cost = float(sum(n_steps * n_slit for n_steps, n_slit in shapes))
            ledger.add_units([NewUnit(name, cost)], job)
            ledger.record(
                [
                    Event(name, State.QUALIFIED),
                    Event(name, State.PREPROCESSED, detail={"maps": record_of(maps)}),
                ],
                job,
            )
