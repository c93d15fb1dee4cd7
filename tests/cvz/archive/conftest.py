"""A stand-in archive, and a client that is not patient."""

from __future__ import annotations

import contextlib

import pytest

from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive

QUICK = ClientLimits(
    connections=4,
    requests_per_second=100,
    connect_timeout=1,
    read_timeout=1.0,
    transfer_timeout=3,
    attempts=4,
    first_pause=0.01,
    longest_pause=0.05,
)

LIGHT_CURVES = Simulation(stamped=True)
LIGHT_CURVES.content(product_of(1, 1))  # the first one takes longest


@pytest.fixture
def open_archive():
    """Start a stand-in archive that has these light curves.

    They are given as (tic, sector), those of other kinds than 2 minutes as (tic, sector, kind).
    """
    with contextlib.ExitStack() as opened:

        def start(*light_curves, **faults):
            products = [product_of(*light_curve) for light_curve in light_curves]
            catalog = Catalog(products, LIGHT_CURVES.content)
            return opened.enter_context(StandInArchive(catalog, **faults))

        yield start


@pytest.fixture
def client():
    return ArchiveClient(QUICK)


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path / "scratch", quality_bitmask=16575)


@pytest.fixture
def settings_for(tmp_path):
    """The settings of a campaign that asks an archive, with this list of targets."""

    def of(archive, targets):
        (tmp_path / "targets.csv").write_text(targets)
        return [
            f"archive.targets={tmp_path}/targets.csv",
            *(f"archive.{name}={value}" for name, value in archive.addresses().items()),
            f"archive.scratch={tmp_path}/scratch",
            f"output.directory={tmp_path}/output",
            "archive.requests_per_second=100",
        ]

    return of
