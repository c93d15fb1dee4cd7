"""The tally: how the units of a job ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvzmpi.scheduler.campaign import Outcome


@dataclass
class Tally:
    """How the units of a job ended.

    Attributes
    ----------
    failed, done, unfinished : list of Outcome
    all_given_out : bool
        Whether the job came to the end of its units.
    """

    failed: list[Outcome] = field(default_factory=list)
    done: list[Outcome] = field(default_factory=list)
    unfinished: list[Outcome] = field(default_factory=list)
    all_given_out: bool = False

    @property
    def complete(self) -> bool:
        """Whether every unit was worked on to its end."""
        return self.all_given_out and not self.unfinished

    def record(self, outcome: Outcome) -> None:
        """Take down how a unit ended."""
        if outcome.unfinished is not None:
            self.unfinished.append(outcome)
        elif outcome.error is not None:
            self.failed.append(outcome)
        else:
            self.done.append(outcome)
