"""Measure the Milne-Eddington inversion: `make bench-inversion`; writes docs/inversion.md."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from cvzmpi.mpi.launch import pin_to_one_core
from cvzmpi.runtime.command_line import HELP_OPTIONS

os.environ.pop("OPENBLAS_CORETYPE", None)
pin_to_one_core()  # before NumPy is imported

import numpy as np  # noqa: E402
from scipy.optimize import least_squares  # noqa: E402

from cvzmpi.level2.inversion.map_inversion import PIXELS_PER_TICKET  # noqa: E402
from cvzmpi.level2.maps.simulated_map import (  # noqa: E402
    NOISE,
    WAVELENGTH,
    atmospheres,
    noisy_profiles,
)
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, Inverted  # noqa: E402
from cvzmpi.level2.pixels.least_squares import bring_into_range  # noqa: E402
from cvzmpi.level2.pixels.pixel_inversion import invert  # noqa: E402
from cvzmpi.level2.settings import InversionSettings  # noqa: E402
from cvzmpi.level2.spectroscopy import milne_eddington as me  # noqa: E402
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington  # noqa: E402
from tools.bench.measuring.timing import Samples  # noqa: E402
from tools.harness.job_process import ROOT  # noqa: E402
from tools.harness.markdown import markdown_rows  # noqa: E402

_PAGE = Path(__file__).with_suffix(".md")
STRONG = 300.0  # G
TARGET_RATE = 1600.0  # pixels a second
N_TIMED = 8 * PIXELS_PER_TICKET
N_PLAIN = 8  # pixels for the plain way, which is slow
# Name, index, factor from the model's unit, unit, target for the median.
MEASURED = (
    ("field strength", me.FIELD, 1.0, "G", 10.0),
    ("inclination", me.INCLINATION, 180 / np.pi, "degrees", 0.5),
    ("azimuth, modulo 180 degrees", me.AZIMUTH, 180 / np.pi, "degrees", 0.5),
    ("line-of-sight velocity", me.VELOCITY, 1e3, "m/s", 20.0),
)


@click.command(context_settings=HELP_OPTIONS)
@click.option("--pixels", default=4096, show_default=True, help="To be inverted.")
@click.option("--repeats", default=5, show_default=True, help="Of the measurements of speed.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs/inversion.md")
def main(pixels: int, repeats: int, output: Path) -> None:
    """Invert simulated profiles, and write down how fast and how right that was."""
    random = np.random.default_rng(7)
    truth = atmospheres(pixels, random)
    observed = noisy_profiles(truth, random)
    model, settings = MilneEddington(WAVELENGTH), InversionSettings(noise=NOISE)

    def ours() -> None:
        for part in _tickets(observed[:N_TIMED]):
            invert(model, part, settings)

    def plain() -> None:
        for pixel, at in zip(observed[:N_PLAIN], truth[:N_PLAIN], strict=True):
            _plain_fit(model, pixel, at)

    found = [invert(model, part, settings) for part in _tickets(observed)]
    n_timed = min(N_TIMED, pixels)
    rates = [(n_timed / _cpu(ours), N_PLAIN / _cpu(plain)) for _ in range(repeats)]
    text = _report(truth, found, *map(Samples.of, zip(*rates, strict=True)))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    click.echo(text)


def _tickets(observed: np.ndarray) -> list[np.ndarray]:
    return [
        observed[first : first + PIXELS_PER_TICKET]
        for first in range(0, len(observed), PIXELS_PER_TICKET)
    ]


def _cpu(work: Callable[[], None]) -> float:
    """Seconds of processor time: the machine may be doing other things as well."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _plain_fit(model: MilneEddington, observed: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """One pixel with SciPy and numerical derivatives, from a start near the truth."""
    free = slice(0, me.FILLING_FACTOR)

    def residual(p: np.ndarray) -> np.ndarray:
        inside = np.append(p, 1.0)
        bring_into_range(inside)
        return ((model.stokes(inside[np.newaxis])[0] - observed) / NOISE).ravel()

    return least_squares(residual, truth[free] * 1.1, x_scale=np.abs(truth[free]) + 0.01).x


def _report(truth: np.ndarray, found: list[Inverted], ours: Samples, plain: Samples) -> str:
    parameters, chi_squared, status, iterations = (
        np.concatenate([getattr(part, name) for part in found])
        for name in ("parameters", "chi_squared", "status", "n_iterations")
    )
    strong = truth[:, me.FIELD] > STRONG
    difference = parameters - truth
    azimuth = difference[:, me.AZIMUTH]
    difference[:, me.AZIMUTH] = (azimuth + np.pi / 2) % np.pi - np.pi / 2
    errors = []
    for name, index, factor, unit, target in MEASURED:
        error = np.abs(difference[strong, index]) * factor
        median, *tail = np.percentile(error, [50, 95, 99])
        met = "yes" if median < target else "no"
        within = (f"{value:.3g}" for value in tail)
        errors.append((name, f"{median:.3g} {unit}", *within, f"< {target:g} {unit}", met))
    return _PAGE.read_text().format(
        n=len(truth),
        n_wavelengths=len(WAVELENGTH),
        noise=NOISE,
        strong=STRONG,
        errors=markdown_rows(errors),
        converged=np.mean(status == CONVERGED),
        good=np.mean(chi_squared < 1.3),
        iterations=iterations.mean(),
        ticket=PIXELS_PER_TICKET,
        ours=ours.text("/s"),
        target=TARGET_RATE,
        met="met" if ours.median >= TARGET_RATE else "not met",
        plain=plain.text("/s"),
        slower=ours.median / plain.median,
        repeats=len(ours.values),
    )


if __name__ == "__main__":
    main()
