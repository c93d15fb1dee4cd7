"""`cvzmpi show`: what is in a sector file, on the terminal or down a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import BY_NAME
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.isolated import or_refused
from cvzmpi.cvz.results.products.measured_flares import by_size, in_a_rate
from cvzmpi.cvz.results.products.recovered_fraction import (
    binned_by_amplitude_and_fwhm,
    equal_edges,
)
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.terminal import (
    half_found,
    in_erg,
    plain_console,
    plain_table,
    print_facts,
    print_heading,
)
from cvzmpi.cvz.sector_file.data import Columns, Recovery, SectorProgress
from cvzmpi.cvz.sector_file.star_facts import star_facts

MAX_FLARES = 20
"""Flares that `show_file` prints; the file has them all."""

_FLARE_COLUMNS = (
    "peak\n[BTJD d]",
    "cadences",
    "min",
    "ampl.\n[%]",
    "ED\n[s]",
    "error\n[s]",
    "energy\n[erg]",
    "error\n[erg]",
    "S/N",
    "max.\np",
    "",
)

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
    console.print(f"TIC {content.tic}, sector {content.sector}", style="bold")
    print_facts(console, _overview(content))
    print_heading(console, "Quality marks")
    print_facts(console, _marks(content))
    print_heading(console, "Gaussian process")
    if data.flares is None:
        console.print("  missing: the file is at checkpoint detect")
    else:
        print_facts(console, _gaussian_process(data.gp_facts, content.config))
    print_heading(console, "Flares")
    _print_flares(console, content)
    print_heading(console, "Recovery of injected flares")
    _print_recovery(console, content.recovery)
    print_heading(console, "Made by")
    print_facts(console, _provenance(content))


def _overview(content: SearchedFile) -> list[tuple[str, str]]:
    data, light_curve = content.data, content.data.light_curve
    usable = light_curve.usable(content.quality_bitmask)
    flux, error = light_curve.flux[usable], light_curve.flux_err[usable]
    time, searched = content.search_time(), content.searched
    facts = star_facts(light_curve.header)
    return [
        ("file", str(content.path)),
        (
            "star",
            f"TESS magnitude {_fact(facts, 'tess_magnitude', '.2f')}, "
            f"temperature {_fact(facts, 'temperature', '.0f', ' K')}, "
            f"radius {_fact(facts, 'radius', '.3f', ' R_sun')}",
        ),
        (
            "aperture",
            f"the star's share of its light {_fact(facts, 'crowdsap', '.1%')} (CROWDSAP), "
            f"of the star's light in it {_fact(facts, 'flfrcsap', '.1%')} (FLFRCSAP)",
        ),
        (
            "flux",
            f"median {np.median(flux):,.1f} e-/s, median error {np.median(error):.2f} e-/s "
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
    if recovery is not None and recovery.n_placed:
        each = seconds[Stage.INJECT] / recovery.n_placed
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


def _print_flares(console: Console, content: SearchedFile) -> None:
    n_flares, flares = content.searched.n_flares, content.measured_flares
    if content.data.flares is None:
        console.print(f"  {n_flares} found; not measured yet: the Gaussian process is missing")
        return
    if not n_flares:
        console.print("  none found")
        return
    console.print(f"  {n_flares} found, by equivalent duration (ED); amplitude over median flux")
    table = plain_table(_FLARE_COLUMNS, collapse_padding=True)
    exposure = content.data.light_curve.exposure
    for i in by_size(flares)[:MAX_FLARES]:
        flare = {name: column[i] for name, column in flares.items()}
        span = flare["stop_time"] - flare["start_time"] + exposure
        table.add_row(
            f"{flare['peak_time']:.5f}",
            f"{flare['start']}-{flare['stop']}",
            f"{span * MINUTES_PER_DAY:.0f}",
            f"{flare['amplitude'] * 100:.3g}",
            f"{flare['equivalent_duration']:.2f}",
            f"{flare['equivalent_duration_error']:.2f}",
            in_erg(flare["energy"]),
            in_erg(flare["energy_error"]),
            _number(flare["snr"], ".1f"),
            _number(flare["max_probability"], ".3f"),
            _mark(flare),
        )
    console.print(table)
    for line in _notes(flares):
        console.print(f"  {line}")
    if n_flares > MAX_FLARES:
        console.print(f"  and {n_flares - MAX_FLARES} more with smaller ED, in the group /flares")


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "-"


def _mark(flare: Mapping[str, Any]) -> str:
    """What `_notes` explains about a flare."""
    marks = {"sum": not flare["template_fitted"], "edge": flare["at_edge"]}
    return " ".join(mark for mark, given in marks.items() if given)


def _notes(flares: Columns) -> Iterator[str]:
    """Explanations of the table that it has need of."""
    if not flares["template_fitted"].all():
        yield "sum: no template fits; ED is the sum over the cadences of the flare"
    n_not_positive = int((~in_a_rate(flares)).sum())
    if n_not_positive:
        yield f"without a positive ED, and so in no rate: {n_not_positive}"
    if np.isnan(flares["energy"]).any():
        yield "energy: unknown, for the radius or the temperature of the star is"
    else:
        yield "energy: bolometric, of a blackbody of 9000 K; its error has that of the star"
    if flares["at_edge"].any():
        yield "edge: touches a gap or the end of the search; a part may be missing"


def _print_recovery(console: Console, recovery: Recovery | None) -> None:
    if recovery is None or not recovery.n_placed:
        done = "not drawn yet" if recovery is None else f"none of {recovery.n_inject:,} is done yet"
        console.print(f"  missing: {done}")
        return
    amplitude = half_found(recovery, "amplitude", 100)
    duration = half_found(recovery, "equivalent_duration")
    places = f"{recovery.recovered.shape[1]} places"
    so_far = "" if recovery.n_done == recovery.n_inject else " so far"
    print_facts(
        console,
        [
            ("injected", f"{recovery.n_done:,} of {recovery.n_inject:,} flares at {places} each"),
            ("recovered", f"{recovery.fraction:.1%} of {recovery.n_placed:,}{so_far}"),
            ("half of them", f"at amplitude {amplitude} %, at ED {duration} s"),
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
