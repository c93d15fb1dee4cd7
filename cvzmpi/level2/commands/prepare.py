"""`cvzmpi level2 prepare`: Level 1 data become profiles that can be inverted."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.errors import Level1Error
from cvzmpi.level2.maps.preprocess import preprocess, preprocess_dataset
from cvzmpi.level2.settings import InversionSettings, PreprocessSettings
from cvzmpi.level2.spectroscopy.line_table import lines_of
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED, USAGE, complain


def prepare(
    datasets: tuple[Path, ...],
    output: Path,
    map_number: int | None,
    spectral_bin: int,
    slit_bin: int,
    lines: Path | None,
) -> int:
    """Prepare one map of each dataset, or all, and print the paths; one that is bad is named."""
    settings = PreprocessSettings(spectral_bin=spectral_bin, slit_bin=slit_bin)
    to_prepare = lines_of(InversionSettings(lines=lines))
    status = DONE
    for dataset in datasets:
        try:
            if map_number is None:
                prepared = preprocess_dataset(dataset, output, settings, lines=to_prepare)
            else:
                prepared = [preprocess(dataset, output, settings, map_number, lines=to_prepare)]
        except Level1Error as error:
            complain(str(error))
            status = SOME_FAILED if len(datasets) > 1 else USAGE
            continue
        for one in prepared:
            click.echo(one.path)
    return status
