"""Transfers by Globus, against a stand-in that accepts, delays, fails and forgets."""

import pytest

from cvzmpi.errors import ConfigError, TransferError, TransferUnavailableError
from cvzmpi.level2.transfer_settings import GlobusConfig
from cvzmpi.level2.transfers.bring import UnderWay, bring
from cvzmpi.level2.transfers.globus import CLIENT_ID, CLIENT_SECRET, TOKEN, Globus
from cvzmpi.level2.transfers.transfer import Fetch, TaskState, TaskStatus, Transfer, destination
from tests.level2.transfers.stand_in_globus import CLIENT, HERE, THERE
from tests.level2.transfers.stand_in_globus import TOKEN as GOOD_TOKEN

WHERE = destination("data", "pid_1_2", "inv.ABC123")
BUSY = {"code": "ServiceUnavailable", "message": "too much to do"}


@pytest.fixture
def settings(tmp_path):
    return GlobusConfig(here_collection=HERE, here_directory=tmp_path / "here", retries=2)


@pytest.fixture
def driver(globus, settings):
    return Globus(settings, THERE, "/")


@pytest.fixture
def remembered(tmp_path):
    return tmp_path / "task.json"


@pytest.fixture
def arrived(tmp_path):
    """The content of the files at the destination, by name."""
    return lambda: {f.name: f.read_bytes() for f in (tmp_path / "there" / WHERE).iterdir()}


def content(files):
    return {path.name: path.read_bytes() for path in files}


def test_files_go_out_verified_and_encrypted(globus, driver, files, arrived):
    bring(driver, Transfer(files, WHERE), pause=0)
    assert arrived() == content(files)
    (sent,) = globus.asked_for
    assert (sent["source_endpoint"], sent["destination_endpoint"]) == (HERE, THERE)
    assert sent["sync_level"] == 3  # by checksums
    assert sent["verify_checksum"] is True
    assert sent["encrypt_data"] is True
    assert [item["source_path"] for item in sent["DATA"]] == [
        f"/product/{file.name}" for file in files
    ]
    assert [item["destination_path"] for item in sent["DATA"]] == [
        f"/{WHERE}{file.name}" for file in files
    ]


def test_a_directory_comes_in_with_all_that_is_in_it(globus, driver, tmp_path):
    source = tmp_path / "there" / "data" / "pid_1_2" / "BLKGA"
    (source / "more").mkdir(parents=True)
    (source / "a.fits").write_bytes(b"a" * 1000)
    (source / "more" / "b.pdf").write_bytes(b"b" * 10)
    directory = tmp_path / "here" / "BLKGA.part"
    bring(driver, Fetch(destination("data", "pid_1_2", "BLKGA"), directory), pause=0)
    assert (directory / "a.fits").read_bytes() == b"a" * 1000
    assert (directory / "more" / "b.pdf").read_bytes() == b"b" * 10
    (sent,) = globus.asked_for
    assert (sent["source_endpoint"], sent["destination_endpoint"]) == (THERE, HERE)


def test_paths_in_collections_that_begin_elsewhere(globus, tmp_path, files, settings):
    globus.collections[HERE] = tmp_path
    settings = settings.model_copy(update={"here_path": "/here"})
    bring(Globus(settings, THERE, "/level2/"), Transfer(files, WHERE), pause=0)
    there = tmp_path / "there" / "level2" / WHERE
    assert {file.name for file in there.iterdir()} == {"a.fits", "b.fits", "c.fits"}


def test_a_file_that_globus_does_not_see_is_refused(globus, driver, tmp_path):
    elsewhere = tmp_path / "elsewhere.fits"
    elsewhere.write_bytes(b"x")
    with pytest.raises(TransferError, match=r"not below .*here, which Globus sees"):
        bring(driver, Transfer([elsewhere], WHERE), pause=0)
    assert globus.tasks == {}


def test_the_client_credentials_are_changed_for_a_token(
    globus, settings, files, arrived, monkeypatch
):
    monkeypatch.delenv(TOKEN)
    monkeypatch.setenv(CLIENT_ID, CLIENT[0])
    monkeypatch.setenv(CLIENT_SECRET, CLIENT[1])
    bring(Globus(settings, THERE, "/"), Transfer(files, WHERE), pause=0)
    assert arrived() == content(files)


@pytest.mark.parametrize(
    "wrong",
    [{TOKEN: "no-token-of-its"}, {CLIENT_ID: CLIENT[0], CLIENT_SECRET: "no-secret-of-its"}],
    ids=["token", "client"],
)
def test_wrong_credentials_are_the_fault_of_no_transfer_and_are_not_shown(
    globus, settings, files, monkeypatch, caplog, wrong
):
    caplog.set_level("DEBUG")
    monkeypatch.delenv(TOKEN)
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TransferUnavailableError, match="credentials in the environment") as caught:
        bring(Globus(settings, THERE, "/"), Transfer(files, WHERE), pause=0)
    assert "-of-its" not in str(caught.value) + caplog.text


def test_without_credentials_nothing_starts(settings, monkeypatch):
    for name in (TOKEN, CLIENT_ID, CLIENT_SECRET):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=f"{CLIENT_ID} and {CLIENT_SECRET}, or {TOKEN}"):
        Globus(settings, THERE, "/")


def test_no_log_shows_the_token(driver, files, caplog):
    caplog.set_level("DEBUG")
    bring(driver, Transfer(files, WHERE), pause=0)
    assert "submit_transfer" in caplog.text
    assert GOOD_TOKEN not in caplog.text


def test_a_task_with_faults_is_waited_for_and_said_why(globus, driver, files, arrived):
    globus.holds = 2
    under_way = UnderWay(driver, Transfer(files, WHERE))
    status = under_way.look()
    assert status.state is TaskState.ACTIVE
    assert status.message == "PERMISSION_DENIED: Permission denied"
    while under_way.look().state is TaskState.ACTIVE:
        pass
    assert arrived() == content(files)


def test_a_task_that_waits_for_a_person_says_so(globus, driver, files):
    globus.holds = 1
    under_way = UnderWay(driver, Transfer(files, WHERE))
    under_way.look()
    (task,) = globus.tasks.values()
    task |= {"status": "INACTIVE", "nice_status": "CREDENTIALS_EXPIRED"}
    assert under_way.look() == TaskStatus(TaskState.ACTIVE, "INACTIVE: CREDENTIALS_EXPIRED")


def test_what_takes_too_long_goes_on_and_is_taken_up(globus, driver, files, remembered, arrived):
    globus.holds = 1000
    transfer = Transfer(files, WHERE)
    with pytest.raises(TransferUnavailableError, match="not done in 0 s: PERMISSION_DENIED"):
        bring(driver, transfer, seconds=0, pause=0, remembered=remembered)
    globus.holds = 0
    bring(driver, transfer, pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert len(globus.tasks) == 1


def test_a_failed_task_says_why_and_the_next_one_is_another(
    globus, driver, files, remembered, arrived
):
    globus.fatal_error = {"code": "QUOTA_EXCEEDED", "description": "The disk is\nfull"}
    with pytest.raises(TransferError, match=r"inv.ABC123/: QUOTA_EXCEEDED: The disk is full"):
        bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    globus.fatal_error = None
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert [task["status"] for task in globus.tasks.values()] == ["FAILED", "SUCCEEDED"]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ((429, {"Retry-After": "1"}, BUSY), "429 ServiceUnavailable: too much to do"),
        ((503, {}, BUSY), "503 ServiceUnavailable"),
        ((502, {}, {"code": "EndpointError", "message": "not connected"}), "502 EndpointError"),
    ],
)
def test_a_busy_service_is_asked_again_and_later(
    globus, driver, files, arrived, remembered, failure, message
):
    driver.client.retry_config.backoff = lambda _: 0
    globus.failures = [failure] * 3
    with pytest.raises(TransferUnavailableError, match=message):
        bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    globus.failures = [None, None] if failure[0] == 502 else [failure, None, failure]
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert len(globus.tasks) == 1


def test_the_time_that_the_service_asks_for_is_waited(globus, driver, files, monkeypatch):
    waited = []
    monkeypatch.setattr("globus_sdk.transport.requests.time.sleep", waited.append)
    globus.failures = [(429, {"Retry-After": "7"}, BUSY)]
    driver.new_submission()
    assert waited == [7.0]


def test_an_answer_that_got_lost_makes_no_second_task(globus, driver, files, arrived, remembered):
    driver.client.retry_config.backoff = lambda _: 0
    globus.lost_answers = 1
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    globus.lost_answers = 3  # more than it is asked again
    more = [*files[:2]]
    with pytest.raises(TransferUnavailableError):
        bring(driver, Transfer(more, WHERE), pause=0, remembered=remembered)
    bring(driver, Transfer(more, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert len(globus.tasks) == 2


def test_a_service_that_does_not_answer_is_asked_later(settings, files, globus, monkeypatch):
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", "http://127.0.0.1:9/")
    driver = Globus(settings.model_copy(update={"retries": 0}), THERE, "/")
    with pytest.raises(TransferUnavailableError, match="Globus: new submission: ConnectionError"):
        bring(driver, Transfer(files, WHERE), pause=0)


def test_a_request_that_is_refused_fails(globus, driver, files):
    refused = {"code": "ClientError.BadRequest.NoTransferItems", "message": "no items"}
    globus.failures = [None, (400, {}, refused)]
    with pytest.raises(TransferError, match=r"400 ClientError.*no items") as caught:
        bring(driver, Transfer(files, WHERE), pause=0)
    assert not isinstance(caught.value, TransferUnavailableError)


def test_a_task_that_was_forgotten_is_submitted_once_more(
    globus, driver, files, arrived, remembered
):
    globus.holds = 1
    under_way = UnderWay(driver, Transfer(files, WHERE), remembered)
    under_way.look()
    globus.forget(submissions=True)
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    first, again = globus.asked_for
    assert first["submission_id"] == again["submission_id"]
    assert len(globus.tasks) == 1


def test_a_submission_whose_task_was_forgotten_is_replaced(
    globus, driver, files, arrived, remembered
):
    globus.holds = 1
    UnderWay(driver, Transfer(files, WHERE), remembered).look()
    globus.forget()
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    first, again, new = (document["submission_id"] for document in globus.asked_for)
    assert first == again != new
    assert len(globus.tasks) == 1


def test_a_service_that_forgets_everything_is_no_endless_work(globus, driver, files, monkeypatch):
    monkeypatch.setattr(globus, "_task", lambda task: (404, BUSY))
    with pytest.raises(TransferError, match="Globus knows no task"):
        bring(driver, Transfer(files, WHERE), pause=0)
    assert len(globus.asked_for) == 4


def test_files_that_have_arrived_stay(globus, driver, files, arrived, tmp_path):
    bring(driver, Transfer(files, WHERE), pause=0)
    (tmp_path / "there" / WHERE / "b.fits").write_bytes(b"half")
    bring(driver, Transfer(files, WHERE), pause=0)
    assert arrived() == content(files)
    _, second = globus.tasks.values()
    assert (second["files_transferred"], second["files_skipped"]) == (1, 2)


def test_a_finished_transfer_that_is_asked_for_again_is_the_same_task(
    globus, driver, files, arrived, remembered, tmp_path
):
    for _ in range(2):
        bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert len(globus.asked_for) == 1
    (tmp_path / "there" / WHERE / "b.fits").unlink()
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert len(globus.asked_for) == 2


def test_other_files_to_the_same_place_are_another_task(globus, driver, files, arrived, remembered):
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    files[0].write_bytes(b"made anew")
    bring(driver, Transfer(files, WHERE), pause=0, remembered=remembered)
    assert arrived() == content(files)
    assert len(globus.tasks) == 2


def test_a_file_that_is_not_whole_at_its_destination_is_seen(globus, driver, files):
    globus.truncates = True
    with pytest.raises(TransferError, match=r"c.fits: 2,999,999 bytes, expected 3,000,000 bytes"):
        bring(driver, Transfer(files, WHERE), pause=0)
