"""Numbers with their noun, and what a mistyped name was probably meant to be."""

import pytest

from cvzmpi.messages.wording import counted, did_you_mean, question


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, "0 light curves"), (1, "1 light curve"), (2, "2 light curves"), (20_000, "20,000 light")],
)
def test_a_number_and_its_noun_agree(n, expected):
    assert counted(n, "light curve").startswith(expected)


def test_what_has_another_plural_says_so():
    assert [counted(n, "star qualifies", "stars qualify") for n in (1, 2)] == [
        "1 star qualifies",
        "2 stars qualify",
    ]


def test_names_that_are_near_are_asked_for_and_others_are_not():
    known = ["status", "scan", "show"]
    assert did_you_mean("statsu", known) == "; did you mean 'status'?"
    assert did_you_mean("xyz", known) == ""
    assert question(["a", "b"]) == "; did you mean one of 'a', 'b'?"
    assert question([str(n) for n in range(30)]).endswith("'9', ...?")
