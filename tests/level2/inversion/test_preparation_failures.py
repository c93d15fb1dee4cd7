"""A program whose Level 1 data cannot be prepared is in error; the others are prepared."""

import errno
import os
import shutil

import pytest

from cvzmpi.errors import ConfigError, MachineError
from cvzmpi.ledger import State
from cvzmpi.level2.inversion import preparation
from cvzmpi.level2.inversion.preparation import prepare_programs
from cvzmpi.level2.maps import level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.preprocess import preprocess_dataset
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.retry import failure_event, retry
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.settings import PreprocessSettings
from tests.level2.example_rows import calcium
from tests.level2.invertible_programs import NOW

PROGRAMS = ("first", "second", "third")
DATASETS = ("AAAAAA", "BBBBBB", "CCCCCC")
BAD, FRAME = PROGRAMS[1], "VISP_00004.fits"


@pytest.fixture
def data(example, tmp_path):
    """The Level 1 directory of three programs with a dataset each."""
    old = example.dataset_id.encode()
    for dataset in DATASETS:
        copy = shutil.copytree(example.level1, tmp_path / "level1" / dataset)
        (asdf,) = copy.glob("*.asdf")
        asdf.write_bytes(asdf.read_bytes().replace(old, dataset.encode()[: len(old)]))
    return tmp_path / "level1"


@pytest.fixture
def rows(example):
    of_programs = []
    for number, (program, dataset) in enumerate(zip(PROGRAMS, DATASETS, strict=True)):
        of_program = {"observingProgramExecutionId": program}
        of_programs += [example.row(datasetId=dataset, **of_program)]
        of_programs += [calcium(f"CA{number}", **of_program)]
    return of_programs


@pytest.fixture
def prepare(catalogue, job, data, rows, tmp_path):
    """Prepare the three programs, which are invertible."""
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW)
    settings = PreprocessSettings()
    return lambda: prepare_programs(catalogue, job, data, tmp_path / "prepared", settings)


def states(catalogue):
    return [catalogue.states()[program] for program in PROGRAMS]


ONE_FAILED = [State.PREPROCESSED, State.ERROR, State.PREPROCESSED]


def test_one_truncated_frame_costs_its_program_alone_until_it_is_mended(
    catalogue, job, data, prepare
):
    path = data / DATASETS[1] / FRAME
    whole = path.read_bytes()
    path.write_bytes(whole[:30_000])
    report = prepare()
    assert str(report) == "2 prepared, 1 failed"
    assert states(catalogue) == ONE_FAILED
    last = catalogue.ledger.history(BAD)[-1]
    assert last.message == f"preprocess: {path}: cut off: 30,000 bytes, expected {len(whole):,}"

    path.write_bytes(whole)
    assert str(prepare()) == "0 prepared, 0 failed"
    assert retry(catalogue, job, BAD) is State.QUALIFIED
    assert str(prepare()) == "1 prepared, 0 failed"
    assert states(catalogue) == [State.PREPROCESSED] * 3


def test_the_data_of_another_dataset_are_not_taken_for_its_own(catalogue, data, prepare):
    shutil.rmtree(data / DATASETS[1])
    shutil.copytree(data / DATASETS[0], data / DATASETS[1])
    prepare()
    assert states(catalogue) == ONE_FAILED
    message = catalogue.ledger.history(BAD)[-1].message
    assert message.endswith("BBBBBB: is dataset AAAAAA, expected BBBBBB")


@pytest.mark.parametrize("damage", ["gone", "torn", "of others"])
def test_prepared_maps_that_are_not_as_they_were_are_made_anew(
    catalogue, prepare, tmp_path, damage
):
    prepare()
    others, path = (tmp_path / "prepared" / f"{name}_000.prepared.h5" for name in DATASETS[:2])
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[:9000] if damage == "torn" else others.read_bytes()[:-1])
    assert prepare().prepared == [BAD]
    assert PreparedMap.read(path).record["dataset"] == DATASETS[1]
    assert prepare().prepared == []


def test_profiles_that_an_inversion_refused_are_made_anew_after_a_retry(
    catalogue, job, prepare, tmp_path
):
    prepare()
    path = tmp_path / "prepared" / f"{DATASETS[1]}_000.prepared.h5"
    content = bytearray(path.read_bytes())
    profiles = PreparedMap.read(path).read_profiles((1, slice(None))).tobytes()
    content[content.index(profiles)] ^= 1
    path.write_bytes(content)
    assert prepare().prepared == []
    failed = failure_event(BAD, State.PREPROCESSED, "invert", "do not have their checksum")
    catalogue.ledger.record([failed], job)
    assert retry(catalogue, job, BAD) is State.PREPROCESSED
    assert prepare().prepared == [BAD]
    PreparedMap.read(path).verify()


def failing(error):
    def fail(directory, *more):
        if directory.name == DATASETS[1]:
            raise error
        return preprocess_dataset(directory, *more)

    return fail


def test_an_unforeseen_error_costs_its_program_alone(catalogue, prepare, monkeypatch, caplog):
    monkeypatch.setattr(preparation, "preprocess_dataset", failing(KeyError("V")))
    assert prepare().failed == [BAD]
    assert states(catalogue) == ONE_FAILED
    message = catalogue.ledger.history(BAD)[-1].message
    assert "BBBBBB: KeyError: 'V' [" in message
    assert message.endswith("; its traceback is in the log")
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), MachineError),
        (ConfigError("preprocess.slit_bin: too large"), ConfigError),
    ],
)
def test_what_is_not_its_fault_leaves_a_program_as_it_is(
    catalogue, prepare, monkeypatch, error, kind
):
    monkeypatch.setattr(preparation, "preprocess_dataset", failing(error))
    with pytest.raises(kind):
        prepare()
    assert states(catalogue)[1] is State.QUALIFIED
    monkeypatch.undo()
    prepare()
    assert states(catalogue) == [State.PREPROCESSED] * 3


def test_the_command_shows_one_line_and_logs_the_traceback(
    cvzmpi, campaign, store, data, rows, example, monkeypatch
):
    store.datasets += rows
    cvzmpi("scan")
    cvzmpi("qualify", "--set", "qualify.quiet_days=0")

    def broken(*arguments):
        raise IndexError("tuple index out of range")

    level1_here = f"level1.directory={str(data)!r}"
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(level1, "check_frame", broken)
        assert cvzmpi("preprocess", "--set", level1_here, status=1) == "0 prepared, 3 failed\n"
    (log,) = (campaign / "maps" / "logs").glob("*.log")
    assert log.read_text().count("Traceback (most recent call last)") == 3
    assert f"its traceback is in {log}" in cvzmpi("show", BAD)
    cvzmpi("retry", *PROGRAMS)
    assert cvzmpi("preprocess", "--set", level1_here) == "3 prepared, 0 failed\n"
