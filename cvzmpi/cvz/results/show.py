"""`cvzmpi show`: what is in a sector file, on the terminal or down a pipe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT
from cvzmpi.cvz.light_curves.readers.dilution import dilution_in_words
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import BY_NAME
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.isolated import or_refused
from cvzmpi.cvz.results.products.recovered_fraction import (
    binned_by_amplitude_and_fwhm,
    equal_edges,
)
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.show_flares import print_flares
from cvzmpi.cvz.results.show_searches import print_searches
from cvzmpi.cvz.results.terminal import (
    half_found,
    plain_console,
    plain_table,
    print_facts,
    print_heading,
)
from cvzmpi.cvz.sector_file.data import Recovery, SectorProgress
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.messages.wording import counted

_GRID = 5
"""Rows and columns of the recovered fractions."""


def show_file(path: Path, search: Search = DEFAULT_SEARCH) -> None:
    """Print what is in a sector file, done or not, seen by the search chosen.

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable, not a sector file, or of odd content.
    """
    console = plain_console()

    def text() -> str:
        with console.capture() as captured:
            _print_file(console, path, search)
        return captured.get()

    click.echo(or_refused(path, text), nl=False)


def _print_file(console: Console, path: Path, search: Search) -> None:
    content = SearchedFile.read(path, search)
    data = content.data
    console.print(content.name, style="bold")
    print_facts(console, _overview(content))
    print_heading(console, "Quality marks")
    print_facts(console, _marks(content))
    print_heading(console, "Gaussian process")
    if data.flares is None:
        console.print("  missing: the file is at checkpoint detect")
    else:
        print_facts(console, _gaussian_process(data.gp_facts, content.config))
    if data.mirror_events is not None:
        print_heading(console, "Searches")
        print_searches(console, content)
    print_heading(console, "Flares")
    print_flares(console, content)
    print_heading(console, "Recovery of injected flares")
    _print_recovery(console, content)
    print_heading(console, "Made by")
    print_facts(console, _provenance(content))


def _overview(content: SearchedFile) -> list[tuple[str, str]]:
    data, light_curve = content.data, content.data.light_curve
    usable = light_curve.usable(content.quality_bitmask)
    flux, error = light_curve.flux[usable], light_curve.flux_err[usable]
    time, searched = content.search_time(), content.searched
    facts = star_facts(light_curve.header)
    return [
        ("file", content.described),
        (
            "product",
            f"{light_curve.id.product}, an exposure each {light_curve.exposure_seconds:.0f} s",
        ),
        (
            "star",
            f"{_magnitude(facts, light_curve.header)}, "
            f"temperature {_fact(facts, 'temperature', '.0f', ' K')}, "
            f"radius {_fact(facts, 'radius', '.3f', ' R_sun')}",
        ),
        (
            "aperture",
            f"the star's share of its light {_fact(facts, 'crowdsap', '.1%')} (CROWDSAP), "
            f"of the star's light in it {_fact(facts, 'flfrcsap', '.1%')} (FLFRCSAP)",
        ),
        ("dilution", dilution_in_words(light_curve.header)),
        (
            "flux",
            f"{_median(flux, error, light_curve.header)} "
            f"({np.median(error) / np.median(flux) * 100:.3g} %)",
        ),
        (
            "cadences",
            f"{light_curve.n_cadences:,} of {light_curve.exposure_seconds:.0f} s; "
            f"{usable.sum():,} usable, {searched.evaluated.sum():,} evaluated by the search",
        ),
        (
            "searched",
            f"{time.searched:.2f} d by {searched.search}; {time.evaluated:.2f} d with the "
            "flares and what would be joined to them",
        ),
        ("state", _state(content)),
        ("seconds", _seconds(data.seconds, content.recovery)),
    ]


def _median(flux: np.ndarray, error: np.ndarray, header: Mapping[str, Any]) -> str:
    """The median flux and error; a light curve that was given in memory has its own unit."""
    values = float(np.median(flux)), float(np.median(error))
    if FLUX_UNIT not in header:
        return f"median {values[0]:,.1f} e-/s, median error {values[1]:.2f} e-/s"
    unit = f" {header[FLUX_UNIT]}".rstrip()
    return f"median {values[0]:.4g}{unit}, median error {values[1]:.2g}{unit}"


def _magnitude(facts: dict[str, Any], header: Mapping[str, Any]) -> str:
    """In the band of the mission."""
    if "KEPMAG" in header:
        return f"Kepler magnitude {header['KEPMAG']:.2f}"
    return f"TESS magnitude {_fact(facts, 'tess_magnitude', '.2f')}"


def _fact(facts: dict[str, Any], name: str, form: str, unit: str = "") -> str:
    return "unknown" if facts[name] is None else format(facts[name], form) + unit


def _marks(content: SearchedFile) -> Iterator[tuple[str, str]]:
    """The meaning of each mark, and why it is given."""
    if not content.marks:
        yield "none", "" if content.checkpoint is Stage.MODEL else "of those that are known so far"
    for mark in content.marks:
        yield mark.name, f"{BY_NAME[mark.name].meaning} Here: {mark.value}."


def _state(progress: SectorProgress) -> str:
    if progress.done:
        return "done"
    if progress.checkpoint is Stage.MODEL:
        return (
            f"checkpoint model; {progress.n_inject_remaining:,} of {progress.n_inject:,} "
            "injections remain"
        )
    return (
        f"checkpoint {progress.checkpoint}; missing: Gaussian process, table of flares, injections"
    )


def _seconds(seconds: dict[str, float], recovery: Recovery | None) -> str:
    text = ", ".join(f"{stage} {seconds[stage]:.2f}" for stage in Stage if stage in seconds)
    text += f"; together {sum(seconds.values()):.2f}"
    if recovery is not None and recovery.recovered.size:
        each = seconds[Stage.INJECT] / recovery.recovered.size
        text += f"; {each * 1e3:.2f} ms per repeat of an injection"
    return text


def _gaussian_process(facts: dict[str, Any], config: dict[str, Any]) -> list[tuple[str, str]]:
    values = {name.removeprefix("gp_"): value for name, value in facts.items()}
    fit = "converged" if values.pop("converged") else "NOT CONVERGED, the best point is kept"
    message = values.pop("message")
    lines = [
        ("kernel", f"{values.pop('kernel')}"),
        (
            "fit",
            f"{fit} after {values.pop('n_evaluations')} evaluations ({message}); "
            f"log-likelihood {values.pop('log_likelihood'):.2f}",
        ),
    ]
    for name, value in values.items():
        text = f"{value:.6g}{_unit(name)}"
        if name == "period_d":
            for bound in ("min_period", "max_period"):
                if np.isclose(value, config[f"model.{bound}"], rtol=1e-4):
                    text += f"  (at the bound model.{bound})"
        lines.append((name, text))
    return lines


def _unit(parameter: str) -> str:
    if parameter.endswith("_d"):
        return " d"
    relative = {"sigma", "sigma_granulation", "jitter", "mean"}
    return " of the median flux" if parameter in relative else ""


def _print_recovery(console: Console, content: SearchedFile) -> None:
    recovery, facts = content.recovery, star_facts(content.header)
    if recovery is None or not recovery.n_done:
        done = "not drawn yet" if recovery is None else f"none of {recovery.n_inject:,} is done yet"
        console.print(f"  missing: {done}")
        return
    if not recovery.n_placed:
        console.print("  missing: none lies where the search looked, away from its flares")
        return
    amplitude = half_found(recovery, "amplitude", 100)
    duration = f"{half_found(recovery, 'equivalent_duration')} s"
    scale = FlareEnergyScale.of_star(facts["radius"], facts["temperature"], content.id.catalogue)
    if math.isfinite(scale.power):
        energy = half_found(recovery, "equivalent_duration", scale.power)
        duration += f" or energy {energy.replace('e+', 'e')} erg"
    places = counted(recovery.recovered.shape[1], "place")
    so_far = "" if recovery.n_done == recovery.n_inject else " so far"
    n_left_out = recovery.recovered.size - recovery.n_placed
    left_out = f"; {n_left_out:,} lie where none can count" if n_left_out else ""
    print_facts(
        console,
        [
            (
                "injected",
                f"{recovery.n_done:,} of {counted(recovery.n_inject, 'flare')} at {places} each",
            ),
            ("recovered", f"{recovery.fraction:.1%} of {recovery.n_placed:,}{so_far}{left_out}"),
            ("half of them", f"at amplitude {amplitude} %, at ED {duration}"),
        ],
    )
    amplitude_edges = equal_edges(recovery.amplitude, _GRID)
    fwhm_edges = equal_edges(recovery.fwhm, _GRID)
    counts = binned_by_amplitude_and_fwhm(recovery, amplitude_edges, fwhm_edges)
    console.print()
    console.print("  Recovered [%] (of how many) by amplitude [%] and FWHM [minutes]")
    table = plain_table(["amplitude", *_spans(fwhm_edges * MINUTES_PER_DAY)])
    for span, fractions, numbers in zip(
        _spans(amplitude_edges * 100), counts.fraction, counts.n_placed, strict=True
    ):
        cells = [
            f"{fraction * 100:.0f} ({n})" if n else "-"
            for fraction, n in zip(fractions, numbers, strict=True)
        ]
        table.add_row(span, *cells)
    console.print(table)


def _spans(edges: np.ndarray) -> list[str]:
    return [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]


def _provenance(content: SearchedFile) -> Iterator[tuple[str, str]]:
    header = content.header
    if "input_file" in header:
        yield "input", f"{header['input_file']} ({header.get('PROCVER', 'unknown version')})"
    yield "configuration", content.config_hash
    yield "seed", str(content.seed)
    yield "models", content.models_checksum
    yield "software", ", ".join(f"{name} {v}" for name, v in content.software.items())
