"""Words of messages: numbers with their noun, and what a mistyped name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MOST_NAMES = 10


def counted(n: int, one: str, many: str | None = None) -> str:
    """A number with what it counts: 1 light curve, 20,000 light curves.

    Parameters
    ----------
    n : int
        The number.
    one : str
        What follows the number 1: a noun, perhaps with its verb.
    many : str, optional
        What follows all other numbers; by default `one` with an s.
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a mistyped name: a question with the known names nearest to it.

    Returns
    -------
    str
        "; did you mean 'status'?", or "" where no name is near.
    """
    from difflib import get_close_matches  # 10 ms, which only a mistake is to cost

    of_lower = {other.lower(): other for other in known}
    return question([of_lower[near] for near in get_close_matches(name.lower(), list(of_lower))])


def question(names: Sequence[str]) -> str:
    """The question of `did_you_mean`, given the names that may be meant."""
    if not names:
        return ""
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    more = ", ..." if len(names) > _MOST_NAMES else ""
    return f"; did you mean {'one of ' if len(names) > 1 else ''}{shown}{more}?"
