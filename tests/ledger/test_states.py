"""The table of transitions, pair by pair."""

import pytest

from cvzmpi.errors import IllegalTransitionError
from cvzmpi.ledger import State
from cvzmpi.ledger.states import RETRY_FROM, TRANSITIONS, check_transition

# Written down a second time, by rows, so that a change of the table is a change here as well.
LEGAL = {
    None: "discovered",
    "discovered": "discovered qualified not_qualified error",
    "qualified": "qualified not_qualified preprocessed discovered done error",
    "not_qualified": "qualified not_qualified discovered error",
    "preprocessed": "preprocessed working not_qualified qualified discovered done error",
    "working": "done preprocessed error",
    "done": "done published preprocessed qualified discovered error",
    "published": "done published preprocessed qualified discovered error",
    "error": "discovered qualified preprocessed done",
}
PAIRS = [(before, after) for before in [None, *State] for after in State]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_of_states_is_legal_or_refused(before, after):
    if after.value in LEGAL[before and before.value].split():
        check_transition("unit", before, after)
        assert TRANSITIONS[before, after], "says what it means"
    else:
        with pytest.raises(IllegalTransitionError, match=rf"unit: .*{after.value} is not"):
            check_transition("unit", before, after)


def test_every_state_can_be_reached_and_fail_and_be_tried_again():
    reached = {after for before, after in TRANSITIONS}
    assert reached == set(State)
    for state in set(State) - {State.ERROR}:
        assert (state, State.ERROR) in TRANSITIONS
        assert (State.ERROR, RETRY_FROM[state]) in TRANSITIONS


def test_a_refusal_says_what_could_have_followed():
    with pytest.raises(IllegalTransitionError) as caught:
        check_transition("25155310_1", State.WORKING, State.PUBLISHED)
    assert str(caught.value) == (
        "25155310_1: working -> published is not a transition; legal: done, preprocessed, error"
    )
