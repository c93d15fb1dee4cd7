"""A sector file with what the search chosen found in it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.quality_marks import Mark, marks_of
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH, SearchedCurve, SearchTime
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.measured_flares import measured_flares
from cvzmpi.cvz.sector_file.data import Columns, Recovery
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.errors import SectorFileError


@dataclass(frozen=True)
class SearchedFile(SectorContent):
    """A sector file, done or not, seen by the search chosen; nothing stays open.

    In `recovery`, `recovered` is the answer of that search, and `counted` tells the repeats that
    count for it.
    """

    search: Search = DEFAULT_SEARCH
    answers: Recovery | None = None  # the recovery with the answers of both searches as they are
    # its flares as `measured_flares` returned them before, where they are at hand
    known_flares: Columns | None = None

    @classmethod
    def read(
        cls, path: Path, search: Search = DEFAULT_SEARCH, known_flares: Columns | None = None
    ) -> Self:
        """Read a sector file; also while a job is writing it.

        Raises
        ------
        SectorFileError
            If there is no such file, or it is unreadable or not a sector file.
        """
        return cls.of(SectorContent.read(path), search, known_flares)

    @classmethod
    def of(
        cls,
        content: SectorContent,
        search: Search = DEFAULT_SEARCH,
        known_flares: Columns | None = None,
    ) -> Self:
        """The content of a sector file, read or in memory, seen by the search chosen."""
        # the recovery of one that was seen by some search before is of that search
        answers = content.answers if isinstance(content, SearchedFile) else content.recovery
        recovery = answers
        if answers is not None and content.data.injections is not None:
            searched = SearchedCurve(content.data, content.config, search)
            recovery = replace(
                answers,
                recovered=searched.search.recovered(
                    answers.recovered, answers.recovered_significance
                ),
                counted=searched.counted(content.data.injections.cadence[: answers.n_done]),
            )
        values = {field.name: getattr(content, field.name) for field in fields(SectorContent)}
        seen = {"recovery": recovery, "answers": answers}
        return cls(**(values | seen), search=search, known_flares=known_flares)

    @cached_property
    def searched(self) -> SearchedCurve:
        """The light curve as it was searched."""
        return SearchedCurve(self.data, self.config, self.search)

    @cached_property
    def measured_flares(self) -> Columns:
        """The flares, by column of `measured_flares.COLUMNS`; none before checkpoint `model`."""
        return measured_flares(self.searched, self.known_flares)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The quality marks: reasons not to believe what was found, as far as they are known."""
        return marks_of(self.searched)

    def search_time(self) -> SearchTime:
        """The time that the light curve was searched."""
        return self.searched.time

    def completeness_curve(self, size: str = "equivalent_duration") -> CompletenessCurve:
        """The completeness of the search as a function of `equivalent_duration` or `amplitude`.

        It has no knots where no repeat counts.

        Raises
        ------
        SectorFileError
            If no injected flare is done.
        """
        if self.recovery is None or not self.recovery.n_done:
            raise SectorFileError(f"{self.described}: no flares were injected yet")
        recovery = self.recovery
        return CompletenessCurve.fit(getattr(recovery, size), recovery.recovered, recovery.counted)
