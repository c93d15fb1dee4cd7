"""The files of a DeSIRe inversion are handed in: found, compared with Level 1, recorded."""

import shutil

import pytest

from cvzmpi.ledger import State
from cvzmpi.level2.handing_in.hand_in import HandInSettings, hand_in
from cvzmpi.level2.handing_in.ready_event import HandInError, ReadyEvent
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.product.checked_product import INVERSION_ID, ProductError
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.remarks import withdraw
from cvzmpi.level2.programs.retry import retry
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.desire.example_desire import CANONICAL, OTHER, arrays, simulate_arms
from tests.level2.example_rows import OP, calcium, row
from tests.level2.invertible_programs import NOW


@pytest.fixture(scope="session")
def arms(tmp_path_factory):
    """Directories of Level 1 datasets named for them, by arm; not to be changed."""
    return simulate_arms(tmp_path_factory.mktemp("level1"))


@pytest.fixture
def catalogue(catalogue, job, arms):
    """One that knows their program, which is invertible."""
    rows = [row(arms[CANONICAL].name), calcium(arms[OTHER].name)]
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW)
    return catalogue


@pytest.fixture
def settings(arms):
    return HandInSettings(level1=arms[CANONICAL].parent)


@pytest.fixture
def files(tmp_path):
    """The directory of the three files."""
    return arrays().write(tmp_path / "desire")


def ready(*files):
    return ReadyEvent(program=OP, files=list(files), commit="4f2c1d9", by="Jane")


def states(catalogue):
    return [event.to_state.value for event in catalogue.ledger.history(OP)]


def test_the_three_files_make_the_program_inverted(catalogue, job, settings, files, arms):
    inversion = hand_in(catalogue, job, ready(files), settings)
    assert INVERSION_ID.fullmatch(inversion.inversion_id)
    assert inversion.method == "science team"
    detail = inversion.detail
    assert (detail["kind"], detail["commit"], detail["by"]) == ("desire", "4f2c1d9", "Jane")
    assert detail["files"] == [str(files)]
    assert sorted(detail["checksums"]) == sorted(map(str, files.iterdir()))
    assert detail["canonical_dataset"] == arms[CANONICAL].name
    assert detail["dataset_ids"] == [arms[CANONICAL].name, arms[OTHER].name]
    assert len(detail["lines"]) == 2
    assert catalogue.to_publish(OP) == [inversion]
    event = catalogue.ledger.history(OP)[-1]
    assert event.to_state is State.DONE
    assert event.detail == {"step": "inverted", "inversion_id": inversion.inversion_id, **detail}


def test_they_count_once_wherever_they_are_and_however_they_are_named(
    catalogue, job, settings, files, tmp_path
):
    first = hand_in(catalogue, job, ready(files), settings)
    other = shutil.copytree(files, tmp_path / "other")
    for again in (ready(files), ready(other), ready(*files.iterdir())):
        assert hand_in(catalogue, job, again, settings) == first
    assert states(catalogue).count("done") == 1


def test_other_values_are_another_inversion_with_another_id(
    catalogue, job, settings, files, tmp_path
):
    first = hand_in(catalogue, job, ready(files), settings)
    second = hand_in(catalogue, job, ready(arrays(seed=2).write(tmp_path / "second")), settings)
    assert first.inversion_id != second.inversion_id
    assert catalogue.to_publish(OP) == [first, second]
    withdraw(catalogue, job, first.inversion_id, "Jane", "the first line list")
    with pytest.raises(HandInError, match=f"are {first.inversion_id}, withdrawn by Jane at"):
        hand_in(catalogue, job, ready(files), settings)
    assert catalogue.to_publish(OP) == [second]


def test_a_missing_file_is_an_error_and_a_retry_succeeds(catalogue, job, settings, files):
    aside = (files / "per_ori.fits").rename(files.parent / "per_ori.fits")
    with pytest.raises(ProductError, match=r"there is no per_ori\.fits"):
        hand_in(catalogue, job, ready(files), settings)
    assert states(catalogue)[-1] == "error"
    aside.rename(files / "per_ori.fits")
    assert retry(catalogue, job, OP) is State.QUALIFIED
    hand_in(catalogue, job, ready(files), settings)
    assert states(catalogue)[-1] == "done"


def test_without_their_level1_data_they_cannot_be_compared(catalogue, job, files, tmp_path, arms):
    nowhere = HandInSettings(level1=tmp_path / "nowhere")
    with pytest.raises(ProductError, match="nowhere: none of the Level 1 datasets") as error:
        hand_in(catalogue, job, ready(files), nowhere)
    assert arms[CANONICAL].name in str(error.value)
    assert "\n" not in str(error.value)
