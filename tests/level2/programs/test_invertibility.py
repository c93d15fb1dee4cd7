"""The criteria: each evaluated for each dataset, with value, limit and rule."""

import json
from datetime import datetime, timedelta

import pytest

from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.metadata_store.values import BoundingBox
from cvzmpi.level2.programs.invertibility import Thresholds, evaluate, solar_radius
from cvzmpi.level2.programs.program import group
from cvzmpi.level2.programs.spectral_lines import CA_II_854, FE_I_630, SPECTRAL_RULES
from tests.level2.example_rows import OP, calcium, context, real_rows, row


def judged(*rows, **thresholds):
    """The answer for the one program that the rows belong to."""
    found = group(dataset for dataset, _ in read_datasets(rows).datasets)
    return evaluate(found[OP], Thresholds(**thresholds))


def criterion_of(answer, criterion):
    (found,) = (v for v in answer.criteria if v.criterion == criterion)
    return found


# ----------------------------------------------------------------- the whole answer


def test_a_good_program_is_invertible():
    answer = judged(row(), calcium(), context())
    assert answer.invertible
    assert (answer.failed, answer.warnings) == ([], [])


def test_all_failures_are_found_not_just_the_first():
    answer = judged(
        row(stokesParameters="I", boundingBox=None, aoLocked=0, health={"good": 0}),
        row("SECND", gosStatus={"open": 999, "closing": 1}),
    )
    assert not answer.invertible
    assert answer.failed == ["on_disk", "stokes", "health", "gos_open", "ao_locked", "line_CaII854"]


def test_every_criterion_is_recorded_for_every_dataset_with_value_limit_and_rule():
    record = json.loads(json.dumps(judged(row(), calcium(), context()).as_json()))
    assert record["invertible"] is True
    names = [criterion["criterion"] for criterion in record["criteria"]]
    assert names == [
        "instrument",
        "row",
        "on_disk",
        "stokes",
        "health",
        "gos_open",
        "ao_locked",
        "line_FeI630",
        "line_CaII854",
        "light_level",
        "fried_parameter",
        "polarimetric_accuracy",
    ]
    for criterion in record["criteria"]:
        datasets = [finding["dataset"] for finding in criterion["findings"]]
        images = ["IMAGE"] if criterion["criterion"] == "instrument" else []
        assert datasets == ["BLKGA", "CALCI", *images]
        assert criterion["rule"]
        for finding in criterion["findings"]:
            assert finding["text"]
            if criterion["weight"] != "shown":
                assert finding["limit"] is not None
    ao_locked = record["criteria"][6]["findings"][0]
    assert (ao_locked["value"], ao_locked["limit"], ao_locked["passed"]) == (0.99, 0.75, True)


def test_without_a_spectropolarimetric_dataset_nothing_can_be_inverted():
    answer = judged(context())
    assert not answer.invertible
    assert "instrument" in answer.failed
    assert criterion_of(answer, "instrument").reasons == ["IMAGE: VBI, not VISP"]


def test_context_images_disqualify_nothing():
    assert judged(row(), calcium(), context(aoLocked=0, boundingBox=None)).invertible
    assert judged(row(), calcium(), context(frameCount="many", startTime=None)).invertible


# ----------------------------------------------------------------- rows that cannot be read


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"boundingBox": "(NaN,NaN),(NaN,NaN)"}, "THIRD: boundingBox = '(NaN,NaN),(NaN,NaN)': "),
        ({"frameCount": None}, "THIRD: frameCount is not given"),
        ({"startTime": "0001-01-01T00:00:00+14:00"}, "THIRD: startTime = '0001-01-01T00:00:00+14"),
        ({"wavelengthMin": "wide"}, "THIRD: wavelengthMin = 'wide': "),
        ({"endTime": "later"}, "THIRD: endTime = 'later': "),
        ({"instrumentName": None}, "THIRD: instrumentName is not given"),
        ({"createDate": None, "updateDate": None}, "THIRD: createDate is not given"),
    ],
)
def test_two_good_rows_and_one_that_cannot_be_read_are_not_invertible_for_that_reason(
    changed, reason
):
    answer = judged(row(), calcium(), row("THIRD", **changed))
    assert not answer.invertible
    assert "row" in answer.failed
    (said,) = criterion_of(answer, "row").reasons
    assert said.startswith(reason)
    json.dumps(answer.as_json(), allow_nan=False)


def test_a_row_that_was_never_updated_is_judged_like_the_others():
    assert judged(row(), calcium(), row("THIRD", updateDate=None)).invertible
    assert judged(row(), calcium(), row("THIRD", updateDate=None, aoLocked=0)).failed == [
        "ao_locked"
    ]


def test_all_values_of_one_row_may_be_unreadable():
    names = ("datasetId", "observingProgramExecutionId")
    nothing = {key: value if key in names else object() for key, value in row("THIRD").items()}
    answer = judged(row(), calcium(), {**nothing, "health": [[]], "boundingBox": {}})
    assert answer.failed == ["row", "on_disk", "stokes", "health", "gos_open", "ao_locked"]


# ----------------------------------------------------------------- the solar disk


def day(number):
    return datetime(2023, 1, 1) + timedelta(days=number - 1)


def test_the_sun_is_largest_in_january_and_smallest_in_july():
    assert solar_radius(day(3)) == pytest.approx(976, abs=0.5)
    assert solar_radius(day(185)) == pytest.approx(944, abs=0.5)


@pytest.mark.parametrize(
    ("box", "number", "inside"),
    [
        ((-57.56, -901.62, -61.91, -963.33), 3, True),
        ((-57.56, -901.62, -61.91, -963.33), 185, False),
        ((59.93, -872.63, -56.05, -991.35), 3, False),
    ],
)
def test_all_four_corners_must_be_on_the_disk_of_the_day(box, number, inside):
    assert (BoundingBox(*box).reach <= solar_radius(day(number))) is inside
    text = "({},{}),({},{})".format(*box)
    start = day(number).isoformat()
    answer = judged(row(boundingBox=text, startTime=start), calcium())
    assert criterion_of(answer, "on_disk").passed is inside


def test_the_corners_that_are_not_written_count_too():
    reach = BoundingBox(900.0, 0.0, 0.0, 900.0).reach  # both written corners are at 900
    assert reach == pytest.approx(1272.8, abs=0.1)


def test_a_null_box_fails_and_says_so():
    answer = judged(row(boundingBox=None), calcium())
    assert answer.failed == ["on_disk"]
    assert criterion_of(answer, "on_disk").reasons == ["BLKGA: no bounding box"]


# ----------------------------------------------------------------- the frames


@pytest.mark.parametrize(
    ("locked", "passed", "says"),
    [
        (749, False, "AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %"),
        (750, True, "AO locked in 750 of 1000 frames, 75 %"),
        (None, False, "AO locked: not given"),
    ],
)
def test_the_adaptive_optics_are_locked_in_three_of_four_frames(locked, passed, says):
    answer = judged(row(aoLocked=locked), calcium())
    found = criterion_of(answer, "ao_locked")
    assert found.passed is passed
    assert found.findings[0].text == says
    assert answer.invertible is passed


@pytest.mark.parametrize(("good", "passed"), [(749, False), (750, True)])
def test_health_is_good_in_three_of_four_frames(good, passed):
    answer = judged(row(health={"good": good, "ill": 1000 - good}), calcium())
    assert criterion_of(answer, "health").passed is passed


@pytest.mark.parametrize(
    ("status", "passed"),
    [
        ({"open": 1000}, True),
        ({"open": 999}, False),
        ({"open": 999, "closing": 1}, False),
        ({"open": 1000, "undefined": 1}, False),
        (None, False),
    ],
)
def test_the_gos_is_open_in_all_frames(status, passed):
    answer = judged(row(gosStatus=status), calcium())
    assert criterion_of(answer, "gos_open").passed is passed


def test_one_dataset_with_stokes_i_alone_disqualifies():
    answer = judged(row(), calcium(), row("THIRD", stokesParameters="I"))
    assert answer.failed == ["stokes"]
    assert criterion_of(answer, "stokes").reasons == ["THIRD: Stokes I, not I, Q, U and V"]


def test_limits_are_settings():
    rows = row(aoLocked=400, health={"good": 400}), calcium()
    assert not judged(*rows).invertible
    assert judged(*rows, min_ao_locked=0.4, min_good=0.4).invertible


# ----------------------------------------------------------------- the spectral rules


@pytest.mark.parametrize(
    ("rule", "low", "high", "covered"),
    [
        ("band", 629.7, 630.5, True),
        ("band", 629.71, 630.5, False),
        ("band", 629.7, 630.49, False),
        ("midpoint", 630.2, 631.0, True),
        ("midpoint", 630.21, 631.0, False),
        ("midpoint", 629.0, 630.19, False),
        ("overlap", 631.2, 635.0, True),
        ("overlap", 631.21, 635.0, False),
        ("overlap", 629.0, 630.19, False),
        ("named", 630.7, 635.0, True),
        ("named", 630.71, 635.0, False),
        ("named", 629.0, 629.7, True),
        ("named", 629.0, 629.69, False),
    ],
)
def test_where_the_limits_of_each_rule_are(rule, low, high, covered):
    answer = judged(row(wavelengthMin=low, wavelengthMax=high), calcium(), spectral_rule=rule)
    found = criterion_of(answer, "line_FeI630")
    assert (found.rule, found.passed) == (rule, covered)


@pytest.mark.parametrize(
    ("names", "covered"),
    [
        (["Fe I (630.25 nm)"], True),
        (["fe i (630.15 nm)", "H beta (486.13 nm)"], True),
        (["Fe I (617.33 nm)"], False),
        (["Fe II (630.2 nm)"], False),
        (["Ca II (854.21 nm)"], False),
        (["something else"], False),
        ([], False),
    ],
)
def test_a_line_that_is_named_is_one_of_its_species_there(names, covered):
    (dataset, _), *_ = read_datasets([row(spectralLines=names)]).datasets
    assert SPECTRAL_RULES["named"].covers(dataset, FE_I_630) is covered


def test_one_dataset_that_has_the_line_is_enough():
    answer = judged(row(), calcium(), row("THIRD", wavelengthMin=588, wavelengthMax=590))
    assert answer.invertible
    assert [f.passed for f in criterion_of(answer, "line_FeI630").findings] == [True, False, False]


def test_by_name_calcium_is_desired_not_required():
    answer = judged(row(), spectral_rule="named")
    assert answer.invertible
    assert len(answer.warnings) == 1
    assert CA_II_854.name in answer.warnings[0]
    assert not judged(row(), spectral_rule="overlap").invertible


@pytest.mark.parametrize(
    ("rule", "n_invertible"), [("band", 0), ("midpoint", 14), ("overlap", 53), ("named", 84)]
)
def test_how_many_of_the_124_programs_of_2023_are_invertible(shared_data, rule, n_invertible):
    found = group(dataset for dataset, _ in read_datasets(real_rows(shared_data)).datasets)
    answers = [evaluate(program, Thresholds(rule)) for program in found.values()]
    assert sum(answer.invertible for answer in answers) == n_invertible
