"""A searched light curve in a few words, as a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.views.html import counted
from cvzmpi.cvz.sector_file.star_facts import star_facts


def in_short(file: SearchedFile) -> Iterator[tuple[str, str]]:
    """What matters most, in words."""
    facts = star_facts(file.header)
    form = {"tess_magnitude": "T = {:.2f}", "temperature": "{:.0f} K", "radius": "{:.2f} R_sun"}
    known = [text.format(facts[n]) for n, text in form.items() if facts[n] is not None]
    yield "star", ", ".join(known) or "unknown"
    yield "searched", f"{file.search_time().searched:.2f} d by {file.searched.search}"
    yield "flares", _flares(file)
    yield "completeness", _completeness(file)
    if file.marks:
        yield "quality marks", ", ".join(mark.name for mark in file.marks)
    if note := file.header.get("input_note"):
        yield "note", str(note)


def _flares(file: SearchedFile) -> str:
    found = counted(file.searched.n_flares, "flare")
    if not len(file.measured_flares["peak"]):
        return found
    reliable = float(np.nansum(file.measured_flares["reliability"]))
    largest = float(np.nanmax(file.measured_flares["equivalent_duration"]))
    energy = float(np.nanmax([0.0, *file.measured_flares["energy"]]))
    more = f", {energy:.2g} erg" if energy else ""
    return f"{found}, {reliable:.1f} expected to be real; the largest {largest:.3g} s{more}"


def _completeness(file: SearchedFile) -> str:
    recovery = file.recovery
    if recovery is None or not recovery.n_placed:
        return "no flares injected yet"
    limit = file.completeness_curve().limit(0.5)
    relation = "" if limit.relation == "=" else f"{limit.relation} "
    share = f"{recovery.fraction:.0%} of {counted(recovery.n_placed, 'injected place')}"
    return f"half of the flares of {relation}{limit.value:.3g} s; {share}"
