"""Write docs/calibration.md: `python -m tools.calibration`, some ten minutes of two cores."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import click
import numpy as np

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file.reading import read_sector_data
from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.calibration.campaigns import CAMPAIGNS, light_curves, search
from tools.calibration.page import page
from tools.calibration.picture import draw
from tools.calibration.sample import Sample

_LONGEST = 300.0  # s, where the simulated power laws end
_NEAR = 5  # cadences: a detected flare this near to a simulated one is of it


@click.command(context_settings=HELP_OPTIONS)
@click.option("--stars", default=24, show_default=True, help="Light curves of each campaign.")
@click.option("--inject", default=1000, show_default=True, help="Flares injected into each.")
@click.option("--directory", type=click.Path(path_type=Path), help="Kept, and gone on with.")
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
def main(stars: int, inject: int, directory: Path | None, docs: Path) -> None:
    """Search simulated flares, and compare what is found with what injections predict."""
    with tempfile.TemporaryDirectory(prefix="cvzmpi-calibration-") as temporary:
        parent = directory or Path(temporary)
        campaigns = [search(parent, name, stars, inject) for name in CAMPAIGNS]
        samples = dict(zip(CAMPAIGNS, map(Sample.read, campaigns), strict=True))
        draw(samples, docs / "images" / "calibration.png")
        false = "\n".join(map(_false_flares, campaigns))
        rates = "\n".join(map(_rates, campaigns))
        text = page(samples, stars * len(campaigns), inject, rates, false)
        (docs / "calibration.md").write_text(text, encoding="utf-8")
        click.echo(text)


def _false_flares(campaign: Path) -> str:
    """How many detected flares no simulated one explains."""
    n_flares = n_false = n_light_curves = 0
    for path, truth in light_curves(campaign):
        flares = read_sector_data(path).flares
        assert flares is not None
        start, stop = flares["start"][:, None] - _NEAR, flares["stop"][:, None] + _NEAR
        peaks = truth["cadence"]
        n_flares += len(start)
        n_false += int(np.sum(~np.any((start <= peaks) & (peaks <= stop), axis=1)))
        n_light_curves += 1
    return (
        f"*{campaign.name}*: {n_false} of {n_flares} detections in {n_light_curves} light curves "
        "have no simulated flare."
    )


def _rates(campaign: Path) -> str:
    """How many flares the corrected rates stand for, and how many there were."""
    n_true = n_found = 0
    n_corrected = 0.0
    for path, flares in light_curves(campaign):
        sector = SearchedSector.read(path)
        star = StarFfd.of([sector], upper=_LONGEST)
        looked = np.isfinite(read_sector_data(path).probability[flares["cadence"]])
        n_true += int(np.sum(looked & (flares["equivalent_duration"] >= star.lower)))
        n_found += star.n_flares
        n_corrected += star.rate * sector.evaluated
    return (
        f"*{campaign.name}*: {n_true} true flares, {n_found} found above the bound, "
        f"{n_corrected:.0f} \u00b1 {n_corrected / math.sqrt(n_found):.0f} by the corrected rates."
    )


if __name__ == "__main__":
    main()
