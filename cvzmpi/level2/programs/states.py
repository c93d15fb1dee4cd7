"""The states of the ledger in the words that the people of Level 2 use."""

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
"""What a state is called. A program waits until it is complete and the criteria are evaluated."""

INVERTIBLE = (State.QUALIFIED, State.PREPROCESSED)
"""States in which an inversion may begin."""

INVERTED = FINISHED
"""States in which there is a result."""


def stands(state: State, before: State | None) -> State | None:
    """Where a program stands: its state, or, in error, the state in which it failed."""
    return before if state is State.ERROR else state
