"""The light curves that are searched by the main job: real ones, and simulated ones of known truth.

What was searched is kept, and not searched again while the modules that the search is made of are
the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.simulation.invented_star import FlareLaw
from cvzmpi.cvz.simulation.simulate import FIRST_TIC, read_truth, simulate_light_curve
from cvzmpi.cvz.simulation.spoc_fits import file_name, write_spoc_fits
from tools.bench.measuring.curves import SHARED_DATA
from tools.harness.job_process import ROOT, environment

EXAMPLE_WHEEL = "altaipony==2.1.2"
"""It brings the light curve of a flaring M dwarf; `make demo` uses the same."""
EXAMPLE = "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
_EXAMPLE_SHA256 = "8f026f87bfaf4e79496e124dd6a9a36b5ff06ed597c0b3bff5387fa240681695"

_SEARCHED_BY = (
    "configuration.py",
    "light_curves",
    "quiet_star",
    "injection",
    "detection",
    "work",
    "sector_file",
)
"""Modules and folders of `cvzmpi/cvz` that decide what is found."""

_ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_N_JOBS = 2


@dataclass(frozen=True)
class Campaign:
    """A directory with light curves and what the main job made of them."""

    directory: Path

    @property
    def name(self) -> str:
        """Its name on the page."""
        return self.directory.name

    @property
    def input(self) -> Path:
        """Directory of the FITS files."""
        return self.directory / "input"

    @property
    def files(self) -> list[Path]:
        """The sector files, in order of star and sector."""
        found = sector_files(self.directory / "output")
        return [path for _, path in sorted(found.items())]

    def with_truth(self) -> Iterator[tuple[Path, np.ndarray]]:
        """The sector files, and the simulated flares of each: rows of `truth`."""
        truth = np.concatenate([read_truth(p) for p in sorted(self.input.glob("truth*.csv"))])
        for (tic, sector, _), path in sorted(sector_files(self.directory / "output").items()):
            yield path, truth[(truth["tic"] == tic) & (truth["sector"] == sector)]

    def search(self, n_inject: int, n_repeat: int) -> None:
        """Run the main job; what it did before with the same search is kept."""
        output, stamp = self.directory / "output", self.directory / "searched_by"
        by = f"{checksum_of_search()} {n_inject} {n_repeat}"
        if not stamp.exists() or stamp.read_text() != by:
            shutil.rmtree(output, ignore_errors=True)
        stamp.write_text(by)
        command = [sys.executable, "-m", "cvzmpi", "run"]
        command += ["--input", str(self.input), "--output", str(output)]
        command += ["--set", f"inject.n_inject={n_inject}", "--set", f"inject.n_repeat={n_repeat}"]
        with (self.directory / "job.log").open("w") as log:
            subprocess.run(
                command, check=True, env=environment(**_ONE_CORE), stdout=log, stderr=log
            )


def search_all(campaigns: Sequence[Campaign], n_inject: int, n_repeat: int) -> None:
    """Search them all, two jobs at a time."""
    with ThreadPoolExecutor(min(_N_JOBS, os.cpu_count() or 1)) as pool:
        for _ in pool.map(lambda campaign: campaign.search(n_inject, n_repeat), campaigns):
            pass


def real_campaigns(directory: Path, n: int) -> list[Campaign]:
    """Real light curves with a catalogue of their flares, in two campaigns; at most n of them."""
    files = [example_file(), *sorted((SHARED_DATA / "tess").glob("*_lc.fits"))][:n]
    campaigns = [Campaign(directory / f"real-{number}") for number in range(2)]
    for campaign, part in zip(campaigns, (files[::2], files[1::2]), strict=True):
        _only(campaign.input, part)
    return campaigns


def example_file() -> Path:
    """The light curve of TIC 358108509 in sector 1; fetched with pip, and kept.

    Raises
    ------
    RuntimeError
        If pip brings another file.
    """
    file = ROOT / ".setup" / EXAMPLE
    if not _is_example(file):
        wheels = file.parent / "example-wheel"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(wheels), EXAMPLE_WHEEL]
        subprocess.run(command, check=True)
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            file.write_bytes(archive.read(f"altaipony/examples/{EXAMPLE}"))
        shutil.rmtree(wheels)
        if not _is_example(file):
            raise RuntimeError(f"{EXAMPLE_WHEEL} holds another {EXAMPLE} than it did")
    return file


@dataclass(frozen=True)
class Simulation:
    """Simulated stars that flare often, with many flares around the limits."""

    name: str
    seed: int
    dimmed: float  # part of their light that is left
    law: FlareLaw
    red_noise: float = 0.0  # correlated over some cadences, in errors of the flux

    def light_curve(self, tic: int) -> tuple[LightCurve, np.ndarray]:
        """The light curve of a star, and its flares."""
        light_curve, truth = simulate_light_curve(tic, 1, self.seed, active=True, flares=self.law)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(tic, 99)))
        return with_red_noise(dimmed(light_curve, self.dimmed, rng), self.red_noise, rng), truth

    def campaign(self, directory: Path, n_stars: int) -> Campaign:
        """Write the light curves and the truth; those that are there are written again."""
        campaign = Campaign(directory / self.name)
        tics = [FIRST_TIC + number for number in range(n_stars)]
        files = []
        for tic in tics:
            light_curve, truth = self.light_curve(tic)
            path = campaign.input / file_name(light_curve)
            write_spoc_fits(path, light_curve, overwrite=True)
            _write_truth(campaign.input / f"truth_{tic}.csv", truth)
            files += [path, campaign.input / f"truth_{tic}.csv"]
        _only(campaign.input, files)
        return campaign


_LAW = {"active_per_day": 0.7, "index": 1.6, "fwhm_median": 0.002, "fwhm_sigma": 0.7}
SIMULATIONS = (
    Simulation("bright", 11, 1.0, FlareLaw(**_LAW, min_duration=0.4, max_duration=300.0)),
    Simulation("faint", 12, 0.06, FlareLaw(**_LAW, min_duration=4.0, max_duration=3000.0)),
)
"""Stars of TESS magnitude 8 to 12.5, and the same kind three magnitudes fainter."""


def dimmed(light_curve: LightCurve, part: float, rng: np.random.Generator) -> LightCurve:
    """The light curve of a star that is fainter, with the noise that such a star has.

    Parameters
    ----------
    part : float
        Of its light, 0 to 1. Photon noise falls with its root, that of sky and readout not at all.
    """
    if part == 1:
        return light_curve
    seconds = 120 * 0.792  # as in the simulation
    flux = light_curve.flux.astype(np.float64)
    variance = light_curve.flux_err.astype(np.float64) ** 2
    photons = flux / seconds
    fainter = part * photons + (variance - photons)
    noise = np.sqrt(fainter - part**2 * variance) * rng.standard_normal(len(flux))
    magnitude = float(light_curve.header["TESSMAG"]) - 2.5 * np.log10(part)
    return replace(
        light_curve,
        flux=(part * flux + noise).astype(np.float32),
        flux_err=np.sqrt(fainter).astype(np.float32),
        header={**light_curve.header, "TESSMAG": round(magnitude, 4)},
    )


def with_red_noise(
    light_curve: LightCurve, amplitude: float, rng: np.random.Generator
) -> LightCurve:
    """The light curve with noise that forgets itself within 3 to 30 cadences (autoregression)."""
    if not amplitude:
        return light_curve
    memory = np.exp(-1 / rng.uniform(3, 30))
    steps = np.sqrt(1 - memory**2) * rng.standard_normal(len(light_curve.flux))
    noise = amplitude * light_curve.flux_err * lfilter([1.0], [1.0, -memory], steps)
    return replace(light_curve, flux=(light_curve.flux + noise).astype(np.float32))


def _write_truth(path: Path, truth: np.ndarray) -> None:
    names = truth.dtype.names or ()
    lines = [",".join(names), *(",".join(map(str, row.tolist())) for row in truth)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _only(directory: Path, files: Sequence[Path]) -> None:
    """Let a directory hold these files alone, those from elsewhere as links."""
    directory.mkdir(parents=True, exist_ok=True)
    names = {file.name for file in files}
    for other in directory.iterdir():
        if other.name not in names:
            other.unlink()
    for file in files:
        if not (directory / file.name).exists():
            (directory / file.name).symlink_to(file.resolve())


def checksum_of_search() -> str:
    """Checksum of the modules that decide what is found, and of what it costs."""
    root = ROOT / "cvzmpi" / "cvz"
    digest = hashlib.sha256()
    for name in _SEARCHED_BY:
        place = root / name
        for module in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _is_example(file: Path) -> bool:
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == _EXAMPLE_SHA256
