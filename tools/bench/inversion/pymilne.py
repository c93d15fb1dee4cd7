"""The same profiles by pyMilne, an independent code, in the same run; no dependency of ours.

pyMilne (de la Cruz Rodriguez 2019, A&A 631, A153; github.com/jaimedelacruz/pyMilne) is compiled
C++. It gets our lines, and computes them at all wavelengths: then its profiles are ours to 5e-6.
Its start is that of its example for Hinode; further starts are random.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630
from tools.bench.inversion.inverted import Found
from tools.bench.inversion.targets import verdict
from tools.harness.markdown import markdown_table

TARGET_FIELD, TARGET_VELOCITY = 2.0, 5.0  # G and m/s; medians of the differences
STARTS = (1, 6)
_COLUMNS = (
    *("", "pixels a second", "median chi squared"),
    *("field along the line of sight: median difference", "95 % below"),
    *("velocity: median difference", "95 % below"),
    *(f"field within {TARGET_FIELD:g} G", f"velocity within {TARGET_VELOCITY:g} m/s"),
)
_PROBE = Path(__file__).with_name("pymilne_probe.py")
_IGNORED = 1e32  # pyMilne leaves out wavelengths with such noise
_FIELD, _INCLINATION, _VELOCITY = 0, 1, 3  # among its parameters: G, rad, km/s


@dataclass(frozen=True)
class Profiles:
    """What an inversion gets."""

    wavelength: np.ndarray  # float64, shape (n_wavelengths,); nm
    stokes: np.ndarray  # float64, shape (n, 4, n_wavelengths)
    used: np.ndarray  # bool, shape (n_wavelengths,)
    noise: float


@dataclass(frozen=True)
class PyMilne:
    """A built copy of pyMilne."""

    directory: Path
    interpreter: Path  # the Python that it was built for

    def table(self, directory: Path, profiles: Profiles, ours: Found) -> str:
        """A table of both codes, and of what they find differently about the same pixels."""
        rows = [["ours", f"{ours.rate:,.0f} /s", f"{np.median(ours.chi_squared):.2f}", *[""] * 6]]
        for n in STARTS:
            name = "pyMilne, 1 start" if n == 1 else f"pyMilne, {n} starts"
            rows.append([name, *_row(ours, self._invert(directory, profiles, n))])
        return markdown_table(_COLUMNS, rows)

    def _invert(self, directory: Path, profiles: Profiles, n_starts: int) -> dict[str, np.ndarray]:
        task, answer = directory / "task.npz", directory / "answer.npz"
        sigma = np.where(profiles.used, profiles.noise, _IGNORED)
        np.savez(
            task,
            wavelength=profiles.wavelength * 10,  # in Å
            lines=_lines(),
            stokes=profiles.stokes,
            sigma=np.broadcast_to(sigma, (4, len(sigma))),
            n_starts=n_starts,
        )
        command = [str(self.interpreter), str(_PROBE), str(self.directory), str(task), str(answer)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"pyMilne in {self.directory} failed:\n{run.stderr[-2000:]}")
        return dict(np.load(answer))


def _lines() -> list[list[float]]:
    """Total angular momenta, Lande factors, wavelength in Å, and gf of each line."""
    return [
        [
            *(line.lower.total, line.upper.total, line.lower.lande, line.upper.lande),
            *(line.wavelength * 10, 10**line.log_gf),
        ]
        for line in FE_I_630
    ]


def _row(ours: Found, theirs: dict[str, np.ndarray]) -> Iterable[str]:
    parameters = theirs["parameters"]
    along = parameters[:, _FIELD] * np.cos(parameters[:, _INCLINATION])
    our_along = ours.parameters[:, me.FIELD] * np.cos(ours.parameters[:, me.INCLINATION])
    field = np.abs(our_along - along)
    velocity = np.abs(ours.parameters[:, me.VELOCITY] - parameters[:, _VELOCITY]) * 1e3
    yield f"{len(parameters) / float(theirs['cpu']):,.0f} /s"
    yield f"{np.median(theirs['chi_squared']):.2f}"
    for difference, unit in ((field, "G"), (velocity, "m/s")):
        yield f"{np.nanmedian(difference):.3g} {unit}"
        yield f"{np.nanpercentile(difference, 95):.3g} {unit}"
    yield verdict(np.nanmedian(field) <= TARGET_FIELD)
    yield verdict(np.nanmedian(velocity) <= TARGET_VELOCITY)
