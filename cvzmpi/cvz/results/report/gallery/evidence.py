"""What speaks for a flare and against it, in sentences with their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.search import FOUND_BY_SIGNIFICANCE, FOUND_BY_STELLA
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.product_names import catalogue_of
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.searched_sector import MIN_INJECTED
from cvzmpi.cvz.results.report.gallery.choice import BELIEVED, ChosenFlare
from cvzmpi.cvz.results.report.gallery.cut_out import ABOVE, CutOut
from cvzmpi.messages.wording import counted

_CLEAR = 1.5
"""A signal-to-noise of so many times the threshold is clearly above it."""
_ENOUGH = 3
"""Cadences that stand out from which on it is no single outlier."""
_LIKE_TEMPLATE, _UNLIKE_TEMPLATE = 1.5, 2.5
"""What is left by the template, in errors: up to the first it is well described, from the other on
it is not. Complex flares are not either, and catalogued errors may be 1.6 times too large."""
_UNSEEN = 1.5
"""A template that is so many times higher where nothing was measured has its peak there."""
_CERTAIN_SIZE = 3.0
"""An equivalent duration of so many errors is certain."""
_SEEN_HEIGHT = 5.0
"""Standard errors: of lower peaks, noise says which cadence is the highest, and so how fast they
rise."""
_MANUAL_EXCLUDE, _SINGLE_ONES = 128, 3
"""Single cadences are excluded everywhere: so many of them near a flare say nothing."""

QUALITY_FLAGS = {
    1: "attitude tweak",
    2: "safe mode",
    4: "coarse point",
    8: "Earth point",
    16: "argabrightening",
    32: "momentum dump",
    64: "cosmic ray in the aperture",
    128: "manual exclude",
    256: "discontinuity",
    1024: "cosmic ray in the collateral data",
    2048: "straylight",
    4096: "scattered light",
    8192: "planet search exclude",
    16384: "bad calibration",
    32768: "insufficient targets",
}
"""The bits of the column QUALITY (TESS Archive Manual, section 2.1) that speak against a flare.

Bit 512, impulsive outlier, does not: it marks the brightest cadences of real flares.
"""

Sentence = tuple[bool, str]  # whether it speaks for the flare, and what it says


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against a flare: sentences."""

    speaks_for: list[str]
    speaks_against: list[str]


@dataclass(frozen=True)
class Seen:
    """What is known of a flare: from the index, from its cut-out, and of its light curve."""

    flare: ChosenFlare
    cut_out: CutOut
    marks: list[tuple[str, str]]  # quality marks of the light curve: name and value, in words
    completeness: float  # of flares of its equivalent duration; NaN where that is not known

    @classmethod
    def of(cls, file: SearchedFile, flare: ChosenFlare, cut_out: CutOut) -> Seen:
        """Put together what is known of a flare."""
        marks = [(mark.name.replace("_", " "), mark.value) for mark in file.marks]
        return cls(flare, cut_out, marks, _completeness(file, flare))


def _completeness(file: SearchedFile, flare: ChosenFlare) -> float:
    recovery, size = file.recovery, flare.measures["equivalent_duration"]
    if recovery is None or recovery.n_done < MIN_INJECTED or not size > 0:
        return math.nan
    # without its interval, which takes twenty times as long
    curve = CompletenessCurve.fit(
        recovery.equivalent_duration, recovery.recovered, recovery.counted, n_draws=0
    )
    return float(curve(np.array(size)))


def evidence(seen: Seen) -> Evidence:
    """Weigh a flare: every test that can be made of it gives a sentence for it or against it."""
    sentences = [sentence for test in _TESTS for sentence in test(seen)]
    return Evidence(
        [text for speaks_for, text in sentences if speaks_for],
        [text for speaks_for, text in sentences if not speaks_for],
    )


def _reliability(seen: Seen) -> Iterator[Sentence]:
    reliability = seen.flare.measures["reliability"]
    if not _known(reliability):
        yield False, "Its reliability is unknown: the light curve has no mirror images."
    else:
        n_flares = round(100 * reliability)
        text = f"Reliability {reliability:.3f}: of 100 such detections {n_flares} are flares."
        yield reliability >= BELIEVED, text


def _searches(seen: Seen) -> Iterator[Sentence]:
    found_by, highest = int(seen.flare.measures["found_by"]), seen.flare.measures["max_probability"]
    if found_by == FOUND_BY_STELLA | FOUND_BY_SIGNIFICANCE:
        yield True, f"Both searches found it; its highest probability by stella is {highest:.2f}."
    elif seen.flare.together is None:
        yield False, f"Its light curve was searched by stella alone: probability {highest:.2f}."
    elif found_by == FOUND_BY_STELLA:
        yield False, f"Only stella found it, with a probability of up to {highest:.2f}."
    else:
        yield False, f"Only the search by significance found it: {_by_stella(seen)}."


def _by_stella(seen: Seen) -> str:
    """Why stella did not find it."""
    highest = seen.flare.measures["max_probability"]
    threshold = seen.flare.curve["min_probability"]
    if not _known(highest):
        return "stella could not look there"
    enough = "for too few cadences above" if highest >= threshold else "below"
    return (
        f"the probability by stella reaches {highest:.2f}, {enough} the threshold of {threshold:g}"
    )


def _signal(seen: Seen) -> Iterator[Sentence]:
    snr, least = seen.flare.measures["snr"], seen.flare.curve["min_snr"]
    if not _known(snr) or not _known(least):
        return
    if snr < least:
        yield False, f"S/N {snr:.1f}, below the threshold of {least:g}."
    elif snr < _CLEAR * least:
        yield False, f"S/N {snr:.1f}, near the threshold of {least:g}."
    else:
        yield True, f"S/N {snr:.1f}, {snr / least:.1f} times the threshold of {least:g}."


def _cadences(seen: Seen) -> Iterator[Sentence]:
    n_above = seen.cut_out.n_above
    cadences = counted(n_above, "cadence is", "cadences are") if n_above else "No cadence is"
    text = f"{cadences} more than {ABOVE:g} standard errors above the model."
    yield n_above >= _ENOUGH, text


def _size(seen: Seen) -> Iterator[Sentence]:
    measures = seen.flare.measures
    size, error = (measures[f"equivalent_duration{end}"] for end in ("", "_error"))
    if not _known(size) or not _known(error) or not error > 0:
        return
    text = f"Its equivalent duration is {size / error:.1f} standard errors above 0."
    if size <= 0:
        text = f"Its equivalent duration is not above 0: {size:.3g} s."
    yield size >= _CERTAIN_SIZE * error, text


def _shape(seen: Seen) -> Iterator[Sentence]:
    measures, misfit = seen.flare.measures, seen.cut_out.misfit
    rise, decay = seen.cut_out.half_times
    times = f"It rises from half of its height in {rise:.0f} min and falls to it in {decay:.0f} min"
    if decay > rise and seen.cut_out.height >= _SEEN_HEIGHT:
        yield True, f"{times}."
    elif decay < rise and seen.cut_out.height >= _SEEN_HEIGHT:
        yield False, f"{times}: flares fade more slowly than they rise."
    whole, seen_of_it = seen.cut_out.unseen_peak
    if whole > _UNSEEN * seen_of_it:
        reached = f"{whole:.3g} of the median flux where no cadence was used"
        yield False, f"The fitted template reaches {reached}, and {seen_of_it:.3g} elsewhere."
    if not measures["template_fitted"]:
        yield False, "No flare template fits it."
    elif misfit <= _LIKE_TEMPLATE:
        yield True, f"The fitted template leaves {misfit:.1f} times the errors of the flux."
    elif misfit >= _UNLIKE_TEMPLATE:
        text = f"The fitted template leaves {misfit:.1f} times the errors of the flux"
        yield False, f"{text}: a complex flare, or none."


def _vetting(seen: Seen) -> Iterator[Sentence]:
    measures = seen.flare.measures
    snr, refused = measures["snr"], Vetting(int(measures["vetting"]))
    if _known(snr) and _known(measures["rest_snr"]):
        single = Vetting.SINGLE_CADENCE in refused
        text = f"Without its brightest cadence S/N {measures['rest_snr']:.1f} is left"
        yield not single, text + (": a particle hits one cadence." if single else ".")
        for name, bit, form in (
            ("reversed_snr", Vetting.SLOW_RISE, "a template backwards in time"),
            ("hump_snr", Vetting.HUMP, "a box"),
        ):
            value = measures[name]
            if _known(value) and (value > 0 or bit in refused):
                better = "better" if bit in refused else "no better"
                yield bit not in refused, f"S/N of {form}: {value:.1f}, {better} than the flare's."
    if Vetting.AFTER_GAP in refused:
        since = counted(int(measures["since_gap"]), "cadence")
        yield False, f"It peaks {since} after a gap, where the flux settles."
    if Vetting.PERIODIC in refused:
        yield False, "It is one of detections that recur with a period."


def _edge(seen: Seen) -> Iterator[Sentence]:
    if seen.flare.measures["at_edge"]:
        text = "It touches a gap or the end of what was searched: a part of it may be missing."
        yield False, text


def _together(seen: Seen) -> Iterator[Sentence]:
    together = seen.flare.together
    if together is None or not together.n_stars:
        return
    n, expected = together.n_coincident, together.expected
    stars = counted(together.n_stars, "other star")
    part = PARTS[catalogue_of(seen.flare.curve["product"])]
    if not n:
        yield True, f"None of {stars} of the {part} has a flare within 15 minutes."
        return
    have = "has a flare" if n == 1 else "have flares"
    text = f"{n} of {stars} of the {part} {have} within 15 minutes; by chance {expected:.2g} would."
    yield n <= expected, text


def _flags(seen: Seen) -> Iterator[Sentence]:
    flags = seen.cut_out.flags_near
    flagged = int(np.count_nonzero(flags & sum(QUALITY_FLAGS)))
    others = np.any(flags & (sum(QUALITY_FLAGS) - _MANUAL_EXCLUDE))
    if others or flagged > _SINGLE_ONES:
        bits = int(np.bitwise_or.reduce(flags))
        names = ", ".join(name for bit, name in QUALITY_FLAGS.items() if bits & bit)
        has = counted(flagged, "cadence in it or near it has", "cadences in it or near it have")
        yield False, f"{has} quality flags: {names}."
    elif not flagged:
        yield True, "No cadence in it or near it has a quality flag."


def _marks(seen: Seen) -> Iterator[Sentence]:
    for name, value in seen.marks:
        yield False, f"Its light curve has the quality mark {name}: {value}."


def _completeness_of(seen: Seen) -> Iterator[Sentence]:
    share = seen.completeness
    if _known(share):
        text = f"Of injected flares of its equivalent duration, {share:.0%} are found here."
        yield share >= 0.5, text


_TESTS: tuple[Callable[[Seen], Iterator[Sentence]], ...] = (
    _reliability,
    _searches,
    _signal,
    _cadences,
    _size,
    _shape,
    _vetting,
    _edge,
    _together,
    _flags,
    _marks,
    _completeness_of,
)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
