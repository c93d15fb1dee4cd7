"""`cvzmpi level2 prepare`: Level 1 data become profiles that can be inverted."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.level2.maps.preprocess import preprocess, preprocess_dataset
from cvzmpi.level2.settings import PreprocessSettings
from cvzmpi.runtime.all_ranks import DONE


def prepare(
    datasets: tuple[Path, ...],
    output: Path,
    map_number: int | None,
    spectral_bin: int,
    slit_bin: int,
) -> int:
    """Prepare one map of each dataset, or all, and print the paths."""
    settings = PreprocessSettings(spectral_bin=spectral_bin, slit_bin=slit_bin)
    for dataset in datasets:
        if map_number is None:
            prepared = preprocess_dataset(dataset, output, settings)
        else:
            prepared = [preprocess(dataset, output, settings, map_number)]
        for one in prepared:
            click.echo(one.path)
    return DONE
