"""The states of a unit and the legal transitions between them, for all campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from cvzmpi.errors import IllegalTransitionError, LedgerError


class State(str, Enum):
    """The state of a unit, which its newest event says."""

    DISCOVERED = "discovered"
    QUALIFIED = "qualified"
    NOT_QUALIFIED = "not_qualified"
    PREPROCESSED = "preprocessed"
    WORKING = "working"
    DONE = "done"
    PUBLISHED = "published"
    ERROR = "error"

    def __str__(self) -> str:
        return self.value


def state_named(name: object) -> State:
    """The state of this name, as it stands in a ledger.

    Raises
    ------
    LedgerError
        If there is none.
    """
    try:
        return State(name)
    except ValueError:
        known = ", ".join(State)
        raise LedgerError(
            f"the ledger has a unit in the state {name!r:.80}, which is none; expected {known}"
        ) from None


FINISHED = frozenset({State.DONE, State.PUBLISHED})
"""States in which all of the work is done."""

_D, _Q, _N, _P = State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED, State.PREPROCESSED
_W, _F, _L, _E = State.WORKING, State.DONE, State.PUBLISHED, State.ERROR

TRANSITIONS: Mapping[tuple[State | None, State], str] = {
    # the way that a unit goes when all is well
    (None, _D): "a scan found it",
    (_D, _Q): "it meets the criteria",
    (_Q, _P): "its input is here, verified",
    (_P, _W): "a team began the work",
    (_W, _F): "all of its work is done",
    (_F, _L): "its result is available",
    # criteria
    (_D, _N): "it does not meet the criteria",
    (_Q, _Q): "evaluated again: still meets them; or claimed or released by a person",
    (_Q, _N): "evaluated again: meets them no longer",
    (_N, _N): "evaluated again: still does not meet them",
    (_N, _Q): "evaluated again: meets them now",
    (_P, _P): "evaluated again: still meets them; or claimed or released by a person",
    (_P, _N): "evaluated again: meets them no longer",
    # something belongs to it that was not there: it is looked at from the beginning
    **{(state, _D): "something was added to it" for state in (_Q, _N, _P, _F, _L)},
    # back, since something is lost
    (_W, _P): "given back: its job was stopped, or died",
    (_P, _Q): "its input is gone",
    (_F, _P): "its result is damaged or gone",
    (_L, _P): "its result is damaged or gone",
    (_F, _Q): "its result and its input are gone",
    (_L, _Q): "its result and its input are gone",
    # what a job did, and died before it could say so
    (_P, _F): "found done",
    (_Q, _F): "worked on elsewhere, and the result handed in",
    (_L, _L): "its result is available anew, or a further part of it; or a part is withdrawn",
    # a unit may have several results
    (_F, _F): "a further result is there, or one is withdrawn",
    (_L, _F): "a further result is there, to be made available",
    (_D, _D): "a result that it had is withdrawn",
    # failures of any step, and another try from where it failed
    **{(state, _E): "failed" for state in State if state is not _E},
    **{(_E, state): "to be tried again" for state in (_D, _Q, _P, _F)},
}
"""Each legal transition, and what it means. The first event of a unit comes from None."""

RETRY_FROM: Mapping[State, State] = {
    **{state: state for state in (_D, _Q, _P, _F)},
    **{_N: _D, _W: _P, _L: _F, _E: _D},
}
"""The state from which a unit is tried again, by the state in which it failed."""


def check_transition(unit: str, before: State | None, after: State) -> None:
    """Refuse a transition that is not in the table.

    Raises
    ------
    IllegalTransitionError
        Naming the unit, the transition, and what could have followed.
    """
    if (before, after) in TRANSITIONS:
        return
    legal = [str(to) for (come_from, to) in TRANSITIONS if come_from == before]
    what = f"{before} -> {after}" if before is not None else f"its first event is {after}"
    raise IllegalTransitionError(f"{unit}: {what} is not a transition; legal: {', '.join(legal)}")
