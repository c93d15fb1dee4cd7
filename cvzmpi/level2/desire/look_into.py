"""The part of the check that reads the files; `check` calls it in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path

from cvzmpi.level2.desire.checked_files import CheckedFiles
from cvzmpi.level2.desire.contents import DesireContents, read_contents
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.level1_arms import inverted_level1
from cvzmpi.level2.desire.quantities import QUANTITIES
from cvzmpi.level2.product.checked_product import ProductError


def look_into(files: DesireFiles, level1: Mapping[str, Path]) -> CheckedFiles:
    """Check the files, among each other and against Level 1; checksums are still to be taken.

    Raises
    ------
    ProductError
    """
    contents = read_contents(files)
    inverted = inverted_level1(contents, level1)
    return CheckedFiles(
        checksums={str(path): "" for path in files.all},
        shape=[contents.n_steps, contents.n_slit],
        lines=[arm.line for arm in contents.arms],
        quantities=[quantity.name for quantity in QUANTITIES],
        canonical_dataset=inverted.dataset_ids[0],
        dataset_ids=inverted.dataset_ids,
        not_finite=_not_finite(contents),
    )


def _not_finite(contents: DesireContents) -> dict[str, int]:
    """The values that are not finite, which pixels may have; a quantity or a line has others."""
    counts = {}
    for array in (contents.atmosphere, contents.fit, contents.observed):
        finite = array.finite_counts()
        if array is contents.atmosphere:
            per_part = {q.name: finite[number] for number, q in enumerate(QUANTITIES)}
        else:
            per_part = {arm.line: finite[:, arm.place] for arm in contents.arms}
        for name, of_part in per_part.items():
            if not of_part.any():
                raise ProductError(f"{array.path}: {name} has no finite value")
        if n := prod(array.shape) - int(finite.sum()):
            counts[array.path.name] = n
    return counts
