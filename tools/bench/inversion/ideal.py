"""The ideal case: profiles that were made with the model that is fitted, nothing but noise."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from cvzmpi.level2.fitting.levenberg_marquardt import bring_into_range
from cvzmpi.level2.inversion.map_inversion import PIXELS_PER_TICKET
from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from tools.bench.inversion.inverted import Found, invert
from tools.bench.inversion.sun import FINE, Sun
from tools.bench.inversion.targets import verdict
from tools.bench.measuring.timing import Samples
from tools.harness.job_process import ROOT
from tools.harness.markdown import markdown_rows, markdown_table

TARGET_RATE, TARGET_RATE_FINE = 1600.0, 120.0  # pixels a second of one core
STRONG = 300.0  # G
_N_TIMED = 8 * PIXELS_PER_TICKET
_N_FINE = 2 * PIXELS_PER_TICKET
_N_PLAIN = 8  # pixels for the plain way, which is slow
# Name, index, factor from the model's unit, unit, target for the median.
_MEASURED = (
    ("field strength", me.FIELD, 1.0, "G", 10.0),
    ("inclination", me.INCLINATION, 180 / np.pi, "degrees", 0.5),
    ("azimuth, modulo 180 degrees", me.AZIMUTH, 180 / np.pi, "degrees", 0.5),
    ("line-of-sight velocity", me.VELOCITY, 1e3, "m/s", 20.0),
)


def accuracy(directory: Path, n: int) -> dict[str, str]:
    """What the page says about the errors of `n` pixels."""
    random = np.random.default_rng(7)
    truth = atmospheres(n, random)
    found = invert(Sun().write(directory / "ideal", truth, random), InversionSettings(), n)
    return {
        "n": f"{n:,}",
        "n_wavelengths": f"{len(WAVELENGTH)}",
        "noise": f"{NOISE:g}",
        "strong": f"{STRONG:g}",
        "errors": markdown_rows(_errors(truth, found)),
        "converged": f"{np.mean(found.status == CONVERGED):.2%}",
        "good": f"{np.mean(found.chi_squared < 1.3):.2%}",
        "iterations": f"{found.n_iterations.mean():.1f}",
    }


def _errors(truth: np.ndarray, found: Found) -> Iterable[list[str]]:
    strong = truth[:, me.FIELD] > STRONG
    difference = found.parameters - truth
    azimuth = difference[:, me.AZIMUTH]
    difference[:, me.AZIMUTH] = (azimuth + np.pi / 2) % np.pi - np.pi / 2
    for name, index, factor, unit, target in _MEASURED:
        error = np.abs(difference[strong, index]) * factor
        median, *tail = np.nanpercentile(error, [50, 95, 99])
        within = (f"{value:.3g}" for value in tail)
        met = verdict(median < target)
        yield [name, f"{median:.3g} {unit}", *within, f"< {target:g} {unit}", met]


def speed(directory: Path, n: int, repeats: int) -> str:
    """The table of speeds; every way takes its turn, `repeats` times."""
    random = np.random.default_rng(8)
    truth = atmospheres(_N_PLAIN, random)
    observed = noisy_profiles(truth, random)
    usual, fine = (
        Sun().write(directory / name, atmospheres(min(n, n_most), random), random, wavelength)
        for name, n_most, wavelength in (
            ("usual", _N_TIMED, WAVELENGTH),
            ("fine", _N_FINE, FINE),
        )
    )
    settings = InversionSettings()
    invert(usual, settings)  # the compiled code is loaded, or compiled
    rounds = [
        (invert(usual, settings).rate, invert(fine, settings).rate, _plain_rate(observed, truth))
        for _ in range(repeats)
    ]
    ours, finer, plain = map(Samples.of, zip(*rounds, strict=True))
    return markdown_table(
        ("", "pixels a second of one core", "target", "", "memory of a rank at most"),
        [
            _row(f"{len(WAVELENGTH)} wavelengths", ours, TARGET_RATE, usual),
            _row(f"{len(FINE):,} wavelengths", finer, TARGET_RATE_FINE, fine),
            [
                "the first with SciPy's `least_squares` and numerical derivatives, pixel by pixel, "
                "from a start 10 % off the truth",
                *(plain.text("/s"), "", f"{ours.median / plain.median:.0f} times slower", ""),
            ],
        ],
    )


def _row(name: str, rates: Samples, target: float, prepared: Path) -> list[str]:
    idle, peak = _memory(prepared)
    memory = f"{peak:.0f} MB, {peak - idle:.0f} MB more than before"
    met = verdict(rates.median >= target)
    return [name, rates.text("/s"), f"{target:,.0f} /s", met, memory]


def _memory(prepared: Path) -> tuple[float, float]:
    """Memory in MB of a process before it inverts a map, and at most: see `memory_probe`."""
    command = [sys.executable, "-m", "tools.bench.inversion.memory_probe", str(prepared)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    idle, peak = json.loads(run.stdout.splitlines()[-1])
    return idle, peak


def _plain_rate(observed: np.ndarray, truth: np.ndarray) -> float:
    model = MilneEddington(WAVELENGTH)
    start = time.process_time()
    for pixel, at in zip(observed, truth, strict=True):
        _plain_fit(model, pixel, at)
    return len(observed) / (time.process_time() - start)


def _plain_fit(model: MilneEddington, observed: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """One pixel with SciPy and numerical derivatives, from a start near the truth."""
    free = slice(0, me.FILLING_FACTOR)

    def residual(p: np.ndarray) -> np.ndarray:
        inside = np.append(p, 1.0)
        bring_into_range(inside)
        return ((model.stokes(inside[np.newaxis])[0] - observed) / NOISE).ravel()

    return least_squares(residual, truth[free] * 1.1, x_scale=np.abs(truth[free]) + 0.01).x
