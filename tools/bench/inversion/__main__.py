"""Measure the Milne-Eddington inversion: `make bench-inversion`; writes docs/inversion.md."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from cvzmpi.mpi.launch import pin_to_one_core
from cvzmpi.runtime.command_line import HELP_OPTIONS

os.environ.pop("OPENBLAS_CORETYPE", None)
pin_to_one_core()  # before NumPy is imported

import numpy as np  # noqa: E402

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres  # noqa: E402
from cvzmpi.level2.settings import InversionSettings  # noqa: E402
from tools.bench.inversion import damaged, hinode, ideal, no_field, robustness  # noqa: E402
from tools.bench.inversion.inverted import invert  # noqa: E402
from tools.bench.inversion.pymilne import Profiles, PyMilne  # noqa: E402
from tools.bench.inversion.sun import Sun, profiles_of  # noqa: E402
from tools.harness.job_process import ROOT  # noqa: E402

_PAGE = Path(__file__).with_name("page.md")
_N_COMPARED = 512
_FILE = click.Path(exists=True, path_type=Path)
_NO_PYMILNE = (
    "Not measured: `make bench-inversion INVERSION='--pymilne DIRECTORY --pymilne-python PYTHON'` "
    "with a copy of github.com/jaimedelacruz/pyMilne and the Python that it was built for."
)


@click.command(context_settings=HELP_OPTIONS)
@click.option("--pixels", default=4096, show_default=True, help="Of the ideal case.")
@click.option("--case-pixels", default=1024, show_default=True, help="Of each case less ideal.")
@click.option("--no-field-pixels", default=10_000, show_default=True, help="Without a field.")
@click.option("--repeats", default=5, show_default=True, help="Of the measurements of speed.")
@click.option(
    "--hinode",
    "hinode_files",
    type=_FILE,
    multiple=True,
    help=f"Real pixels: {' or '.join(hinode.FILES)}; may be given again.",
)
@click.option("--pymilne", "pymilne_directory", type=_FILE, help="Where pyMilne is built.")
@click.option(
    "--pymilne-python",
    default=Path("python3"),
    type=click.Path(path_type=Path),
    help="The interpreter that it was built for.",
)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs/inversion.md")
def main(
    pixels: int,
    case_pixels: int,
    no_field_pixels: int,
    repeats: int,
    hinode_files: tuple[Path, ...],
    pymilne_directory: Path | None,
    pymilne_python: Path,
    output: Path,
) -> None:
    """Invert simulated and real profiles, and write down how fast and how right that was."""
    pymilne = pymilne_directory and PyMilne(pymilne_directory.absolute(), pymilne_python)
    with tempfile.TemporaryDirectory(prefix="bench-inversion-") as name:
        directory = Path(name)
        text = _PAGE.read_text().format(
            **ideal.accuracy(directory, pixels),
            speeds=ideal.speed(directory, pixels, repeats),
            repeats=repeats,
            pymilne=_beside_pymilne(directory, min(pixels, _N_COMPARED), pymilne),
            n_case=f"{case_pixels:,}",
            robustness=robustness.table(directory, case_pixels),
            damaged=damaged.table(directory, min(case_pixels, _N_COMPARED)),
            **no_field.facts(directory, no_field_pixels),
            hinode=hinode.section(directory, hinode_files, pymilne),
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    click.echo(text)


def _beside_pymilne(directory: Path, n: int, pymilne: PyMilne | None) -> str:
    if pymilne is None:
        return _NO_PYMILNE
    random = np.random.default_rng(9)
    path = Sun().write(directory / "compared", atmospheres(n, random), random)
    profiles = Profiles(WAVELENGTH, profiles_of(path, n), np.ones(len(WAVELENGTH), bool), NOISE)
    ours = invert(path, InversionSettings(exclude_tellurics=False), n)
    return pymilne.table(directory, profiles, ours)


if __name__ == "__main__":
    main()
