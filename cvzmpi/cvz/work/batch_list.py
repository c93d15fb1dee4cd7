"""The list of a batch, the setting `input.targets`: which light curves, and which come first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from cvzmpi.cvz.light_curves.chosen_products import ONLY_SPOC_120, ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, Rejected
from cvzmpi.cvz.target_list import Row, read_rows
from cvzmpi.errors import ConfigError


def select_targets(
    sources: list[LightCurveSource], targets: Path, products: ChosenProducts = ONLY_SPOC_120
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """The light curves that a list names, and what it names and is not there.

    Parameters
    ----------
    targets : Path
        A list as `target_list.read_rows` has it. A row with a sector is one light curve, and one
        without is all light curves of a star.
    products : ChosenProducts
        Of the campaign: where none is of Kepler or K2, there is no sector 0.

    Raises
    ------
    ConfigError
        If the list cannot be read, naming the line.
    """
    known = {source.id: source for source in sources}
    wanted = dict.fromkeys(read_batch(targets, known, products))
    selected = [known[light_curve] for light_curve in wanted if light_curve in known]
    missing = [
        Rejected(light_curve.name, f"{targets}: no light curve of {_as_row(light_curve)}")
        for light_curve in wanted
        if light_curve not in known
    ]
    there = {light_curve.tic for light_curve in known}
    absent = dict.fromkeys(row.tic for row in _rows(targets, products) if row.sector is None)
    missing += [
        Rejected(str(tic), f"{targets}: no light curve of star {tic}")
        for tic in absent
        if tic not in there
    ]
    return selected, missing


def read_batch(
    targets: Path,
    known: Iterable[LightCurveId] = (),
    products: ChosenProducts = ONLY_SPOC_120,
) -> Iterator[LightCurveId]:
    """Read the light curves of a list, in order.

    Parameters
    ----------
    known : iterable of LightCurveId
        The light curves that there are; those of a star that is named without a sector are among
        them.
    products : ChosenProducts
        As in `select_targets`.

    Raises
    ------
    ConfigError
        Naming the line that cannot be read.
    """
    return (light_curve for light_curve, _ in _light_curves(targets, known, products))


def read_priorities(
    targets: Path,
    known: Iterable[LightCurveId] = (),
    products: ChosenProducts = ONLY_SPOC_120,
) -> dict[str, float]:
    """The priorities in a list, by the name of the light curve, where there is one.

    Raises
    ------
    ConfigError
        Naming the line that cannot be read.
    """
    return {
        light_curve.name: row.priority
        for light_curve, row in _light_curves(targets, known, products)
        if row.priority is not None
    }


def _light_curves(
    targets: Path, known: Iterable[LightCurveId], products: ChosenProducts
) -> Iterator[tuple[LightCurveId, Row]]:
    """The light curves of each row."""
    of_star = defaultdict(list)
    for light_curve in sorted(known):
        of_star[light_curve.tic].append(light_curve)
    for row in _rows(targets, products):
        named = of_star[row.tic]
        if row.sector is not None:
            # of whatever product; where there is none, the name says what is missed
            named = [one for one in named if one.sector == row.sector]
            named = named or [LightCurveId(row.tic, row.sector)]
        for light_curve in named:
            yield light_curve, row


def _as_row(light_curve: LightCurveId) -> str:
    """Number and sector, of whatever catalogue: a row does not say it."""
    return f"star {light_curve.tic}, sector {light_curve.sector}"


def _rows(targets: Path, products: ChosenProducts) -> list[Row]:
    """The rows of a list of which each must be right: a batch is not to become a smaller one."""
    content = read_rows(targets, ["sector", "priority"], least_sector=products.least_sector)
    if content.is_of_pairs:  # the star alone would be taken, with all its sectors
        raise ConfigError(f"{targets}: line 1: expected a header, as tic,sector")
    if content.bad_rows:
        raise ConfigError(content.bad_rows[0])
    return content.rows
