"""The states of programs and inversions in words, beside those of the first Level 2 application.

People at the data centre know its words. Where ours differ, the pages show both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from cvzmpi.ledger import State
from cvzmpi.level2.programs.inversions import InversionView
from cvzmpi.level2.programs.states import SHOWN


class InversionState(StrEnum):
    """What became of an inversion."""

    TO_PUBLISH = "To publish"
    PUBLISHED = "Published"
    WITHDRAWN = "Withdrawn"
    LEFT = "Not published"


@dataclass(frozen=True)
class ShownState:
    """A state in words."""

    name: str
    meaning: str
    earlier: str  # its name in the first Level 2 application

    def as_json(self) -> dict[str, str]:
        """The fields as plain values, for JSON."""
        return asdict(self)


PROGRAM_STATES = (
    ShownState(
        SHOWN[State.DISCOVERED],
        "Its datasets changed lately, or the criteria are not evaluated yet.",
        "- (it judges at once)",
    ),
    ShownState(SHOWN[State.QUALIFIED], "It meets all required criteria.", "Qualified"),
    ShownState(SHOWN[State.NOT_QUALIFIED], "It misses a required criterion.", "- (invalid)"),
    ShownState(
        SHOWN[State.WORKING],
        "A job inverts it. While a person does, it is Invertible and reserved.",
        "Inverting",
    ),
    ShownState(
        SHOWN[State.DONE],
        "There is a result, whose files are made and published in the next round.",
        "Generating, Publishing",
    ),
    ShownState(SHOWN[State.PUBLISHED], "The archive has its result.", "Complete"),
    ShownState(SHOWN[State.ERROR], "A step failed; it can be retried.", "Error"),
)
"""The states of a program."""

INVERSION_STATES = (
    ShownState(InversionState.TO_PUBLISH, "It is handed in.", "Generating, Publishing"),
    ShownState(InversionState.PUBLISHED, "The archive has it.", "Complete"),
    ShownState(
        InversionState.WITHDRAWN, "It is not to be used; its record and files stay.", "Archived"
    ),
    ShownState(
        InversionState.LEFT,
        "The program was reopened before it was published: it is not, unless handed in again.",
        "Archived",
    ),
)
"""The states of an inversion."""


def inversion_state(view: InversionView) -> InversionState:
    """What became of an inversion."""
    if view.withdrawal is not None:
        return InversionState.WITHDRAWN
    if view.published is not None:
        return InversionState.PUBLISHED
    return InversionState.TO_PUBLISH if view.to_publish else InversionState.LEFT
