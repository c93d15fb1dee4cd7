"""Level 1 data that are brought here: whole or not at all; bad ones cost their program alone."""

import shutil

import pytest

from cvzmpi.errors import MachineError, TransferUnavailableError
from cvzmpi.ledger import State
from cvzmpi.level2.configuration import load
from cvzmpi.level2.fetching import dataset_fetch, fetch
from cvzmpi.level2.fetching.fetch import FetchError, fetch_programs
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.retry import retry
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.transfer_settings import GlobusConfig, Level1Config
from cvzmpi.level2.transfers.globus import TOKEN, Globus
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.storage.file_lock import FileLock
from tests.level2.example_rows import OP, calcium, row
from tests.level2.invertible_programs import NOW
from tests.level2.simulated_level1 import simulate_level1
from tests.level2.transfers import stand_in_globus
from tests.level2.transfers.stand_in_globus import HERE, THERE, StandInGlobus

OTHER = f"{OP}.other"
PROPOSAL = "pid_1_118"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Two datasets, by id; not to be changed."""
    found = {}
    for seed in (1, 2):
        directory = tmp_path_factory.mktemp("simulated") / "level1"
        simulate_level1(directory, n_steps=2, n_slit=4, seed=seed)
        found[read_level1(directory).dataset_id] = directory
    assert len(found) == 2
    return found


@pytest.fixture
def ids(simulated):
    return sorted(simulated)


@pytest.fixture
def bucket(simulated, tmp_path):
    """The directory of the proposal in the bucket of the data centre, with both datasets."""
    directory = tmp_path / "buckets" / "data" / PROPOSAL
    for name, source in simulated.items():
        shutil.copytree(source, directory / name)
    return directory


@pytest.fixture
def level1(tmp_path):
    return tmp_path / "level1"


@pytest.fixture
def programs(catalogue, job, ids):
    """Two invertible programs, each with one of the datasets."""
    rows = []
    for program, name in zip((OP, OTHER), ids, strict=True):
        same = {"observingProgramExecutionId": program, "bucket": "data"}
        rows += [row(name, **same), calcium(f"CA{name}", **same)]
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW)
    return OP, OTHER


@pytest.fixture
def bring(catalogue, job, bucket, programs, level1, tmp_path):
    """Fetch with a driver, by default a copy from the bucket."""

    def bring(*names, driver=None, stop=lambda: False, **settings):
        driver = driver or LocalCopy(tmp_path / "buckets")
        config = Level1Config(directory=level1, **settings)
        return fetch_programs(catalogue, job, driver, config, names, stop)

    return bring


@pytest.fixture
def globus(tmp_path, monkeypatch):
    collections = {HERE: tmp_path, THERE: tmp_path / "buckets"}
    with stand_in_globus.serving(StandInGlobus(collections)) as globus:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", globus.url)
        monkeypatch.setenv(TOKEN, stand_in_globus.TOKEN)
        yield globus


@pytest.fixture
def by_globus(globus, tmp_path, monkeypatch):
    monkeypatch.setattr(Globus, "pause", 0.0)
    return Globus(GlobusConfig(here_collection=HERE, here_directory=tmp_path), THERE, "/")


def content(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def state(catalogue, program):
    return catalogue.states()[program]


def a_fits(directory):
    return sorted(directory.glob("*.fits"))[0]


def test_the_data_of_invertible_programs_arrive_verified(bring, ids, level1, bucket, catalogue):
    report = bring()
    assert sorted(report.fetched) == ids
    assert str(report) == "2 datasets fetched, 0 here already, 0 programs failed"
    for name in ids:
        assert content(level1 / PROPOSAL / name) == content(bucket / name)
    assert {path.name for path in (level1 / PROPOSAL).iterdir()} == set(ids)
    assert state(catalogue, OP) is State.QUALIFIED


def test_what_is_here_whole_is_not_looked_at_again(bring, ids, monkeypatch):
    bring()
    monkeypatch.setattr(dataset_fetch, "call_bounded", None)
    report = bring()
    assert (report.fetched, sorted(report.here)) == ([], ids)


def test_only_the_data_of_named_programs_come(bring, ids, level1):
    assert bring(OTHER).fetched == [ids[1]]
    assert not (level1 / PROPOSAL / ids[0]).exists()
    with pytest.raises(FetchError, match="no such Observing Program"):
        bring("eid_0_0")


def test_the_data_of_reserved_programs_come_as_well(bring, ids, catalogue, job):
    reserve(catalogue, job, OP, "Jane")
    assert sorted(bring().fetched) == ids


def test_all_datasets_of_visp_come_if_asked_for(bring, ids, catalogue, job):
    changed = {"bucket": "data", "updateDate": "2023-01-03"}
    rows = [
        calcium(ids[1], observingProgramExecutionId=OP, **changed),
        calcium(f"CA{ids[0]}", observingProgramExecutionId=OTHER, **changed),
    ]
    synchronise(catalogue, job, read_datasets(rows))
    assert bring(OP).fetched == [ids[0]]
    assert bring(OP, datasets="all").fetched == [ids[1]]


def test_data_that_others_put_here_whole_are_left_as_they_are(bring, ids, simulated, level1):
    place = shutil.copytree(simulated[ids[0]], level1 / ids[0])
    before = a_fits(place).stat().st_ino
    report = bring(OP)
    assert (report.here, report.fetched) == ([ids[0]], [])
    assert a_fits(place).stat().st_ino == before


def test_what_is_missing_or_damaged_is_brought_to_where_it_is(
    bring, ids, simulated, level1, bucket
):
    place = shutil.copytree(simulated[ids[0]], level1 / ids[0])
    first, second, third, *_ = sorted(place.glob("*.fits"))
    first.unlink()
    damaged = bytearray(second.read_bytes())
    damaged[-3000] ^= 1
    second.write_bytes(damaged)
    kept = third.stat().st_ino
    assert bring(OP).fetched == [ids[0]]
    assert content(place) == content(bucket / ids[0])
    assert third.stat().st_ino == kept
    assert not (level1 / PROPOSAL).exists()


def test_files_that_go_missing_later_are_brought_again(bring, ids, level1, bucket):
    bring(OP)
    a_fits(level1 / PROPOSAL / ids[0]).unlink()
    assert bring(OP).fetched == [ids[0]]
    assert content(level1 / PROPOSAL / ids[0]) == content(bucket / ids[0])


def test_what_was_damaged_here_is_found_when_the_program_is_named(bring, ids, level1, bucket):
    bring(OP)
    file = a_fits(level1 / PROPOSAL / ids[0])
    good = file.read_bytes()
    file.write_bytes(good[:-3000] + bytes([good[-3000] ^ 1]) + good[-2999:])
    assert ids[0] in bring().here
    assert bring(OP).fetched == [ids[0]]
    assert content(level1 / PROPOSAL / ids[0]) == content(bucket / ids[0])


@pytest.mark.parametrize("fault", ["damaged", "cut", "empty", "missing", "no description"])
def test_data_that_are_not_whole_at_the_source_cost_their_program_alone(
    bring, ids, bucket, level1, catalogue, job, simulated, fault
):
    file = a_fits(bucket / ids[0])
    good = file.read_bytes()
    match fault:
        case "damaged":
            file.write_bytes(good[:-3000] + bytes([good[-3000] ^ 1]) + good[-2999:])
        case "cut":
            file.write_bytes(good[: len(good) // 2])
        case "empty":
            file.write_bytes(b"")
        case "missing":
            file.unlink()
        case "no description":
            (file,) = (bucket / ids[0]).glob("*.asdf")
            good = file.read_bytes()
            file.unlink()
    report = bring()
    assert report.fetched == [ids[1]]
    assert list(report.failed) == [OP]
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.detail["step"]) == (State.ERROR, "fetch")
    assert event.message == f"fetch: {report.failed[OP]}"
    assert "\n" not in event.message
    assert fault == "no description" or file.name in event.message
    assert not (level1 / PROPOSAL / ids[0]).exists()
    file.write_bytes(good)
    assert bring().fetched == []  # it waits for somebody
    retry(catalogue, job, OP)
    assert bring().fetched == [ids[0]]
    assert content(level1 / PROPOSAL / ids[0]) == content(simulated[ids[0]])


def test_data_that_are_not_at_the_source_cost_their_program_alone(bring, ids, bucket):
    shutil.rmtree(bucket / ids[0])
    report = bring()
    assert report.failed == {OP: f"data/{PROPOSAL}/{ids[0]}/: there are no files"}
    assert report.fetched == [ids[1]]


def test_another_dataset_in_its_place_is_refused(bring, ids, bucket, simulated):
    shutil.rmtree(bucket / ids[0])
    shutil.copytree(simulated[ids[1]], bucket / ids[0])
    (reason,) = bring(OP).failed.values()
    assert reason.endswith(f"is dataset {ids[1]}, expected {ids[0]}")


def test_an_unforeseen_error_costs_one_program(bring, ids, monkeypatch):
    look = dataset_fetch.DatasetFetch.look

    def broken(self):
        if self.name == ids[0]:
            raise KeyError("odd")
        return look(self)

    monkeypatch.setattr(dataset_fetch.DatasetFetch, "look", broken)
    report = bring()
    assert report.fetched == [ids[1]]
    assert "KeyError" in report.failed[OP]


def test_a_dataset_whose_bucket_is_not_known_waits(bring, catalogue, job, ids):
    synchronise(catalogue, job, read_datasets([row(ids[0], updateDate="2023-01-03", bucket=None)]))
    qualify(catalogue, job, Thresholds(), 7, NOW)
    report = bring()
    assert report.waiting == [f"{ids[0]}: its bucket is not known"]
    assert (report.fetched, report.failed) == ([ids[1]], {})


def test_data_for_which_there_is_no_room_wait(bring, ids, bucket, monkeypatch, catalogue):
    sizes = {n: sum(p.stat().st_size for p in (bucket / n).iterdir()) for n in ids}
    room = shutil.disk_usage("/")._replace(free=sizes[ids[0]] + 5)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: room)
    report = bring(at_once=2)
    assert report.fetched == [ids[0]]
    (reason,) = report.waiting
    assert reason.startswith(f"{ids[1]}: {sizes[ids[1]]:,} bytes are to come, and")
    assert state(catalogue, OTHER) is State.QUALIFIED


def test_a_full_disk_is_not_the_fault_of_a_program(bring, catalogue, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cvzmpi.level2.transfers.local_copy._copy", full)
    with pytest.raises(MachineError, match="No space left"):
        bring()
    assert state(catalogue, OP) is State.QUALIFIED


def test_what_another_process_fetches_is_left_to_it(bring, ids, level1):
    lock = FileLock.take(level1 / ".fetch" / f"{ids[0]}.claim")
    report = bring()
    assert (report.under_way, report.fetched) == ([ids[0]], [ids[1]])
    lock.release()
    assert bring().fetched == [ids[0]]


def test_a_service_that_is_down_is_no_failure(bring, ids, by_globus, globus, catalogue):
    by_globus.client.retry_config.max_retries = 0
    globus.failures = [(503, {}, {"code": "ServiceUnavailable", "message": "down"})]
    with pytest.raises(TransferUnavailableError, match="503"):
        bring(driver=by_globus)
    assert state(catalogue, OP) is State.QUALIFIED
    assert sorted(bring(driver=by_globus).fetched) == ids


def test_a_service_that_takes_its_time_is_asked_again_later(
    bring, ids, by_globus, globus, level1, bucket
):
    globus.holds = 2
    report = bring(driver=by_globus, stop=lambda: True)
    assert (sorted(report.under_way), report.fetched) == (ids, [])
    assert str(report).endswith("0 programs failed, 2 under way")
    assert sorted(bring(driver=by_globus).fetched) == ids
    for name in ids:
        assert content(level1 / PROPOSAL / name) == content(bucket / name)
    assert len(globus.tasks) == 2


def test_no_more_are_under_way_at_once_than_are_allowed(bring, ids, by_globus, globus):
    globus.holds = 1000
    report = bring(driver=by_globus, at_once=1, stop=lambda: True)
    assert (report.under_way, report.waiting) == ([ids[0]], [f"{ids[1]}: not begun"])
    assert len(globus.tasks) == 1


def test_a_task_that_failed_costs_its_program(bring, globus, by_globus, catalogue):
    globus.fatal_error = {"code": "PERMISSION_DENIED", "description": "no"}
    report = bring(OP, driver=by_globus)
    assert report.failed[OP].endswith(": PERMISSION_DENIED: no")
    assert state(catalogue, OP) is State.ERROR


def test_the_rounds_of_the_service_bring_data_if_a_driver_is_set(
    catalogue, job, bucket, programs, ids, level1, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for settings in ((), ("level1.driver=copy",)):
        rounds = Rounds(Level2Steps(load(None, settings), catalogue.ledger), job, 3600)
        rounds.go_round()
        texts = {report.step: report.text for report in rounds.reports}
        assert ("fetch" in texts) == bool(settings)
    assert texts["fetch"] == "2 datasets fetched, 0 here already, 0 programs failed"
    assert {path.name for path in (level1 / PROPOSAL).iterdir()} == set(ids)


def test_the_command_brings_and_says_so(cvzmpi, campaign, store, simulated, ids):
    shutil.copytree(simulated[ids[0]], campaign / "buckets" / "data" / PROPOSAL / ids[0])
    store.datasets = [row(ids[0], bucket="data"), calcium(bucket="data")]
    cvzmpi("scan")
    cvzmpi("qualify")
    copy = ("--set", "level1.driver=copy")
    assert cvzmpi("fetch", *copy) == "1 dataset fetched, 0 here already, 0 programs failed\n"
    assert "1 prepared" in cvzmpi("preprocess")
    assert "0 datasets fetched, 1 here already" in cvzmpi("fetch", OP, *copy)
    shutil.rmtree(campaign / "level1")
    shutil.rmtree(campaign / "buckets")
    assert f"{OP}: data/{PROPOSAL}/{ids[0]}/: there are no files" in cvzmpi(
        "fetch", *copy, status=1
    )
