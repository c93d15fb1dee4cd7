"""The states of an Observing Program, and their names for people."""

from __future__ import annotations

from cvzmpi.ledger import State
from cvzmpi.ledger.states import FINISHED

SHOWN = {
    State.DISCOVERED: "Waiting",
    State.QUALIFIED: "Invertible",
    State.NOT_QUALIFIED: "Not Invertible",
    State.PREPROCESSED: "Invertible",
    State.WORKING: "Inverting",
    State.DONE: "Inverted",
    State.PUBLISHED: "Published",
    State.ERROR: "Error",
}
"""The name of each state. A program waits until it is complete and the criteria are evaluated."""

INVERTIBLE = (State.QUALIFIED, State.PREPROCESSED)
"""States in which an inversion may begin."""

ANSWERED = (*INVERTIBLE, State.NOT_QUALIFIED)
"""States in which the criteria are evaluated, and there is no result yet."""

OPEN = (State.DISCOVERED, *ANSWERED)
"""States in which the criteria may be evaluated, or evaluated again."""

INVERTED = FINISHED
"""States in which there is a result."""


def stands(state: State, before: State | None) -> State | None:
    """The state of a program or, if it is in error, the state in which it failed."""
    return before if state is State.ERROR else state
