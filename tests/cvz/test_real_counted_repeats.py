"""Real light curves: completeness and search time are of the same cadences."""

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, Unit

SETTINGS = ("inject.n_inject=100", "inject.n_repeat=10")


@pytest.fixture(scope="module")
def sector_file(real_file, models, tmp_path_factory):
    """The sector file of a real light curve of sector 1; each is made once."""
    made = {}

    def of(tic):
        if tic not in made:
            inputs, outputs = (tmp_path_factory.mktemp(name) for name in ("input", "output"))
            fits = real_file(tic, 1)
            (inputs / fits.name).symlink_to(fits)
            paths = {"input.directory": str(inputs), "output.directory": str(outputs)}
            campaign = CvzCampaign(load(None, SETTINGS, paths), StellaDetector(models))
            campaign.prepare()
            (source,), _ = scan_directory(inputs)
            unit = Unit(source.id.name, 1.0, content=source)
            campaign.work(unit, Team(MPI.COMM_SELF), Control(StopRequest(), lambda _: None))
            (made[tic],) = outputs.rglob("*.h5")
        return made[tic]

    return of


@pytest.mark.parametrize(
    ("tic", "eclipses"),
    [
        (117544915, True),  # the search leaves them out
        (410214986, False),  # a flare star: the search finds flares that stella does not
    ],
)
def test_time_and_completeness_by_significance_are_of_the_same_cadences(sector_file, tic, eclipses):
    path = sector_file(tic)
    file, answers = SearchedFile.read(path, Search.SIGNIFICANCE), SectorContent.read(path).recovery
    assert ("badly_modelled" in {mark.name for mark in file.marks}) == eclipses
    searched, recovery = file.searched, file.recovery
    cadence = file.data.injections.cadence
    looked = np.isfinite(file.data.significance)[cadence]
    assert not (answers.recovered_significance & ~looked).any(), "it finds nothing elsewhere"

    # repeats are spread evenly over where stella looked, away from its flares
    stella = SearchedCurve(file.data, file.config, Search.STELLA)
    candidates = np.flatnonzero(stella.evaluated & ~stella.flaring)
    expected = searched.counted(candidates).mean()
    n_placed = cadence.size
    assert recovery.counted.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / n_placed))
    assert 0.5 < expected < 0.85 if eclipses else 0.9 < expected < 1

    # as many flares are found in all the time as in the time that is searched
    found = answers.recovered_significance & (recovery.counted | ~looked)
    all_days = len(candidates) * file.data.light_curve.exposure
    days = all_days * expected
    assert recovery.fraction * days == pytest.approx(found.mean() * all_days, rel=0.06)
    assert days == pytest.approx(file.search_time().searched, rel=0.12)


@pytest.mark.parametrize("tic", [117544915, 410214986])
def test_for_stella_every_repeat_counts_and_nothing_changes(sector_file, tic):
    path = sector_file(tic)
    file, answers = SearchedFile.read(path, Search.STELLA), SectorContent.read(path).recovery
    assert file.recovery.counted.all()
    assert file.recovery.fraction == answers.recovered.mean()
    near = file.searched.flaring[file.data.injections.cadence]
    assert not near.any()
    assert np.isfinite(file.data.probability)[file.data.injections.cadence].all()
