"""The figures that a history has of a light curve are those of the index."""

import pickle
from functools import partial

import pytest

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.summary import summarise
from cvzmpi.cvz.results.outcome import outcome_of
from cvzmpi.errors import SectorFileError
from tests.cvz.example_file import write_example

STAR = {"RADIUS": 0.5, "TEFF": 3500.0}


@pytest.mark.parametrize("search", list(Search))
@pytest.mark.parametrize("version", [1, 2])
def test_they_are_the_same_and_named_the_same(tmp_path, search, version):
    path = write_example(tmp_path / "1.h5", header=STAR, version=version)
    outcome, row = outcome_of(str(search), path), summarise(path, search).light_curve
    assert outcome == {name: row[name] for name in outcome}
    if row["n_flares"]:
        assert outcome["largest_flare"] > 0
        assert outcome["largest_energy"] > 1e28


def test_what_is_not_known_is_not_in_it(tmp_path):
    outcome = outcome_of("either", write_example(tmp_path / "1.h5"))
    assert "largest_energy" not in outcome
    outcome = outcome_of("either", write_example(tmp_path / "2.h5", flares=()))
    assert (outcome["n_flares"], outcome.keys()) == (0, {"search", "n_flares"})


def test_a_file_that_is_gone_is_an_error_of_the_file(tmp_path):
    with pytest.raises(SectorFileError):
        outcome_of("either", tmp_path / "gone.h5")


def test_it_goes_to_all_ranks():
    assert pickle.loads(pickle.dumps(partial(outcome_of, "both"))).func is outcome_of
