"""Start a stand-in archive of invented stars, and say how a campaign uses it.

    python -m cvzmpi.cvz.stand_in_archive --stars 5 --sectors 2 DIRECTORY

writes a list of targets and a cvzmpi.toml into the directory, and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
from pathlib import Path

from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive

_FIRST_TIC = 9_000_000_001


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m cvzmpi.cvz.stand_in_archive")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--stars", type=int, default=5)
    parser.add_argument("--sectors", type=int, default=2)
    parser.add_argument("--cadences", type=int, default=19_600)
    asked = parser.parse_args()

    tics = range(_FIRST_TIC, _FIRST_TIC + asked.stars)
    products = [product_of(tic, sector + 1) for tic in tics for sector in range(asked.sectors)]
    catalog = Catalog(products, Simulation(asked.cadences).content)
    with StandInArchive(catalog) as archive:
        write_campaign(asked.directory, list(tics), asked.sectors, archive)
        print(f"{len(catalog)} light curves at {archive.address}; in another terminal:")
        print(f"cd {asked.directory} && cvzmpi scan", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def write_campaign(
    directory: Path, tics: list[int], n_sectors: int, archive: StandInArchive
) -> None:
    """Write a list of targets, and settings with which nothing is asked of another archive."""
    addresses = "\n".join(f'{name} = "{value}"' for name, value in archive.addresses().items())
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "stars.csv").write_text("TICID\n" + "".join(f"{tic}\n" for tic in tics))
    (directory / "cvzmpi.toml").write_text(
        f"""[archive]
targets = "stars.csv"
{addresses}
min_sectors_per_year = {n_sectors}

[inject]
n_inject = 200
n_repeat = 3
"""
    )


if __name__ == "__main__":
    main()
