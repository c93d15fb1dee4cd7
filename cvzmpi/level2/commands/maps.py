"""Commands around maps: prepare Level 1 data, invert them in bulk, write the Level 2 product."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.all_ranks import DONE, exit_status, job_on_all_ranks

if TYPE_CHECKING:
    from cvzmpi.mpi.launch import World

_count = click.IntRange(1)
_positive = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("datasets", type=GIVEN_PATH, nargs=-1, required=True)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the prepared maps.")
@click.option("--map", "map_number", type=int, help="One map only, from 0.  [default: all]")
@click.option(
    "--spectral-bin",
    type=_count,
    default=1,
    show_default=True,
    help="Wavelengths averaged.",
)
@click.option(
    "--slit-bin",
    type=_count,
    default=1,
    show_default=True,
    help="Pixels of the slit averaged.",
)
def prepare(
    datasets: tuple[Path, ...],
    output: Path,
    map_number: int | None,
    spectral_bin: int,
    slit_bin: int,
) -> int:
    """Prepare Level 1 datasets of ViSP, directories with FITS and ASDF files, for the inversion."""
    from cvzmpi.level2.maps.preprocess import preprocess, preprocess_dataset
    from cvzmpi.level2.settings import PreprocessSettings

    settings = PreprocessSettings(spectral_bin=spectral_bin, slit_bin=slit_bin)
    for dataset in datasets:
        if map_number is None:
            prepared = preprocess_dataset(dataset, output, settings)
        else:
            prepared = [preprocess(dataset, output, settings, map_number)]
        for one in prepared:
            click.echo(one.path)
    return DONE


@click.command()
@click.argument("directory", type=GIVEN_PATH)
@click.option("--maps", "n_maps", type=_count, default=1, show_default=True, help="How many.")
@click.option(
    "--steps",
    type=_count,
    default=10,
    show_default=True,
    help="Scan positions of each map.",
)
@click.option("--slit", type=_count, default=256, show_default=True, help="Pixels along the slit.")
@click.option("--seed", default=1, show_default=True, help="Of everything that is random.")
def simulate(directory: Path, n_maps: int, steps: int, slit: int, seed: int) -> int:
    """Write prepared maps of invented atmospheres, to try the inversion."""
    from cvzmpi.level2.maps.simulated_map import simulate_prepared

    for number in range(n_maps):
        path, _ = simulate_prepared(directory, f"SIM{number:03d}", (steps, slit), seed + number)
        click.echo(path)
    return DONE


@click.command()
@click.argument("prepared", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the inverted maps.")
@click.option(
    "--ranks-per-team", type=_count, default=1, show_default=True, help="Ranks that share a map."
)
@click.option(
    "--interval",
    type=_positive,
    default=5.0,
    show_default=True,
    help="Seconds between checkpoints.",
)
@click.option(
    "--noise",
    type=_positive,
    default=1e-3,
    show_default=True,
    help="Of the profiles, in continua.",
)
def invert(prepared: Path, output: Path, ranks_per_team: int, interval: float, noise: float) -> int:
    """Invert all prepared maps of a directory; with mpirun or srun, on all ranks.

    A Milne-Eddington inversion of Fe I 630.15 and 630.25 nm. Start it again after any stop: only
    what is missing is done.
    """

    def work(world: World) -> int:
        from cvzmpi.level2.inversion.campaigns import MapCampaign, find_prepared
        from cvzmpi.level2.settings import InversionSettings
        from cvzmpi.mpi.launch import check_parallel_hdf5
        from cvzmpi.scheduler import job
        from cvzmpi.scheduler.progress import ProgressDisplay

        world.first(lambda: check_parallel_hdf5(ranks_per_team))
        maps = world.first(lambda: find_prepared(prepared))
        campaign = MapCampaign(maps, output, InversionSettings(noise=noise), interval)
        display = ProgressDisplay("maps", campaign.step_name)
        tally = job.run(campaign, world, job.JobLimits(ranks_per_team), display)
        return world.first(lambda: exit_status(tally))

    return job_on_all_ranks(work)


@click.command()
@click.argument("dataset", type=GIVEN_PATH)
@click.argument("prepared", type=GIVEN_PATH)
@click.argument("inverted", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the product.")
@click.option("--inversion-id", required=True, help="As inv.ABC123.")
def write(dataset: Path, prepared: Path, inverted: Path, output: Path, inversion_id: str) -> int:
    """Write the Level 2 FITS and ASDF files of an inverted map.

    DATASET is the directory of the Level 1 data, PREPARED and INVERTED are the files of the map.
    """
    from cvzmpi.level2.maps.prepared_map import PreparedMap
    from cvzmpi.level2.product.level2_product import write_product

    created = datetime.now(timezone.utc)
    product = write_product(
        dataset, PreparedMap.read(prepared), inverted, output, inversion_id, created
    )
    click.echo(product.asdf)
    return DONE


COMMANDS = (prepare, invert, write, simulate)
