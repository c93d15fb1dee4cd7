"""What is said for and against a flare."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.results.report.gallery.choice import Together
from cvzmpi.cvz.results.report.gallery.evidence import evidence
from tests.cvz.results.report.gallery.made_flares import cut_out, seen


def flagged(place, flags):
    quality = cut_out().quality
    quality[place] = flags
    return quality


def test_nothing_speaks_against_a_good_flare_and_all_numbers_are_said():
    found = evidence(seen())
    assert found.speaks_against == []
    assert found.speaks_for == [
        "Reliability 0.996: of 100 such detections 100 are flares.",
        "Both searches found it; its highest probability by stella is 0.98.",
        "S/N 20.0, 4.0 times the threshold of 5.",
        "7 cadences are more than 3 standard errors above the model.",
        "Its equivalent duration is 20.0 standard errors above 0.",
        "It rises from half of its height in 2 min and falls to it in 8 min.",
        "The fitted template leaves 1.0 times the errors of the flux.",
        "Without its brightest cadence S/N 12.0 is left.",
        "S/N of a template backwards in time: 14.0, no better than the flare's.",
        "None of 12 other stars of the sector has a flare within 15 minutes.",
        "No cadence in it or near it has a quality flag.",
        "Of injected flares of its equivalent duration, 93% are found here.",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reliability": 0.52}, "Reliability 0.520: of 100 such detections 52 are flares."),
        (
            {"reliability": None},
            "Its reliability is unknown: the light curve has no mirror images.",
        ),
        ({"found_by": 1}, "Only stella found it, with a probability of up to 0.98."),
        (
            {"found_by": 2, "max_probability": 0.2},
            "Only the search by significance found it: the probability by stella reaches 0.20, "
            "below the threshold of 0.5.",
        ),
        (
            {"found_by": 2, "max_probability": 0.7},
            "Only the search by significance found it: the probability by stella reaches 0.70, "
            "for too few cadences above the threshold of 0.5.",
        ),
        (
            {"found_by": 2, "max_probability": float("nan")},
            "Only the search by significance found it: stella could not look there.",
        ),
        ({"snr": 5.6}, "S/N 5.6, near the threshold of 5."),
        ({"snr": 3.2}, "S/N 3.2, below the threshold of 5."),
        (
            {"flux": np.ones(60)},
            "No cadence is more than 3 standard errors above the model.",
        ),
        (
            {"equivalent_duration_error": 16.0},
            "Its equivalent duration is 2.5 standard errors above 0.",
        ),
        (
            {"equivalent_duration": -4.0, "completeness": float("nan")},
            "Its equivalent duration is not above 0: -4 s.",
        ),
        ({"template_fitted": False}, "No flare template fits it."),
        (
            {"template": cut_out().template * 0.8},
            "The fitted template leaves 6.3 times the errors of the flux: a complex flare, or "
            "none.",
        ),
        (
            {"vetting": int(Vetting.SINGLE_CADENCE), "rest_snr": 1.1},
            "Without its brightest cadence S/N 1.1 is left: a particle hits one cadence.",
        ),
        (
            {"vetting": int(Vetting.SLOW_RISE), "reversed_snr": 22.0},
            "S/N of a template backwards in time: 22.0, better than the flare's.",
        ),
        (
            {"vetting": int(Vetting.HUMP), "hump_snr": 23.0},
            "S/N of a box: 23.0, better than the flare's.",
        ),
        (
            {"vetting": int(Vetting.AFTER_GAP), "since_gap": 1},
            "It peaks 1 cadence after a gap, where the flux settles.",
        ),
        (
            {"vetting": int(Vetting.PERIODIC)},
            "It is one of detections that recur with a period.",
        ),
        (
            {"at_edge": True},
            "It touches a gap or the end of what was searched: a part of it may be missing.",
        ),
        (
            {"together": Together(4, 0.1, 12)},
            "4 of 12 other stars of the sector have flares within 15 minutes; by chance 0.1 would.",
        ),
        (
            {"quality": flagged(12, 32 | 512)},
            "1 cadence in it or near it has quality flags: momentum dump.",
        ),
        (
            {"marks": [("crowded", "38.0% of the light in the aperture is the star's (CROWDSAP)")]},
            "Its light curve has the quality mark crowded: 38.0% of the light in the aperture is "
            "the star's (CROWDSAP).",
        ),
        (
            {"completeness": 0.04},
            "Of injected flares of its equivalent duration, 4% are found here.",
        ),
    ],
)
def test_each_fault_is_said_once_with_its_number(change, said):
    assert evidence(seen(**change)).speaks_against.count(said) == 1
    assert said not in evidence(seen(**change)).speaks_for


def test_a_flare_that_rises_slowly_is_none():
    backwards = cut_out().flux[::-1].copy()
    minutes = -cut_out().minutes[::-1]
    found = evidence(seen(flux=backwards, minutes=minutes, inside=cut_out().inside[::-1]))
    said = "It rises from half of its height in 8 min and falls to it in 2 min: flares fade more "
    assert any(text.startswith(said) for text in found.speaks_against)


def test_as_many_stars_as_chance_brings_together_do_not_speak_against_it():
    said = "1 of 900 other stars of the sector has a flare within 15 minutes; by chance 1.4 would."
    assert said in evidence(seen(together=Together(1, 1.4, 900))).speaks_for
    one = "1 of 1 other star of the sector has a flare within 15 minutes; by chance 0.02 would."
    assert one in evidence(seen(together=Together(1, 0.02, 1))).speaks_against


def test_a_mark_of_the_brightest_cadences_does_not_speak_against_it():
    assert evidence(seen(quality=flagged(20, 512))).speaks_against == []


def test_single_cadences_that_were_excluded_say_nothing():
    def said(n_excluded):
        found = evidence(seen(quality=flagged(slice(14, 14 + n_excluded), 128)))
        sentences = [*found.speaks_for, *found.speaks_against]
        return [text for text in sentences if "quality flag" in text]

    assert said(3) == []
    assert said(4) == ["4 cadences in it or near it have quality flags: manual exclude."]


def test_of_a_low_peak_nobody_can_say_how_fast_it_rises():
    low = evidence(seen(error=np.full(60, 0.02)))
    assert not any("half of its height" in t for t in [*low.speaks_for, *low.speaks_against])


def test_a_peak_that_nobody_measured_is_said():
    usable = np.ones(60, bool)
    usable[20:26] = False
    said = "The fitted template reaches 0.05 of the median flux where no cadence was used, and "
    found = evidence(seen(usable=usable))
    assert any(text.startswith(said) for text in found.speaks_against)


def test_a_light_curve_of_stella_alone_is_told_from_a_flare_of_stella_alone():
    found = evidence(seen(together=None, found_by=1, snr=float("nan"), reliability=float("nan")))
    assert "Its light curve was searched by stella alone: probability 0.98." in found.speaks_against
