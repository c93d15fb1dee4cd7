"""Transfers by S3, against the server of moto."""

import hashlib

import pytest
from botocore.awsrequest import AWSResponse

from cvzmpi.errors import ConfigError, TransferError, TransferUnavailableError
from cvzmpi.level2.transfer_settings import S3Config
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.file_digests import FileDigests
from cvzmpi.level2.transfers.s3 import S3
from cvzmpi.level2.transfers.transfer import Fetch, Transfer, destination

WHERE = destination("data", "pid_1_2", "inv.ABC123")
PREFIX = "pid_1_2/inv.ABC123/"
MIB = 1 << 20


@pytest.fixture
def settings(s3_server):
    return S3Config(endpoint=s3_server, region="us-east-1", part=5, retries=0)


@pytest.fixture
def driver(s3, settings):
    return S3(settings)


@pytest.fixture
def large(tmp_path):
    """A file of four parts, the last of them short."""
    path = tmp_path / "large.fits"
    path.write_bytes(b"".join(bytes([number]) * (5 * MIB) for number in range(3)) + b"end")
    return path


def objects(s3, prefix=PREFIX):
    listed = s3.list_objects_v2(Bucket="data", Prefix=prefix).get("Contents", ())
    keys = [one["Key"] for one in listed]
    return {
        key.removeprefix(prefix): s3.get_object(Bucket="data", Key=key)["Body"].read()
        for key in keys
    }


def content(files):
    return {path.name: path.read_bytes() for path in files}


def calls(driver, operation):
    """The parameters of the calls of an operation, from now on."""
    seen = []
    driver.client.meta.events.register(
        f"provide-client-params.s3.{operation}", lambda params, **_: seen.append(dict(params))
    )
    return seen


def test_files_go_out_with_their_sha256(s3, driver, files):
    bring(driver, Transfer(files, WHERE))
    assert objects(s3) == content(files)
    head = s3.head_object(Bucket="data", Key=PREFIX + "a.fits", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == FileDigests.of(files[0], MIB * 5).in_s3
    assert head["Metadata"]["sha256"] == hashlib.sha256(files[0].read_bytes()).hexdigest()


def test_a_large_file_goes_out_in_parts_and_is_whole(s3, driver, large):
    sent = calls(driver, "UploadPart")
    bring(driver, Transfer([large], WHERE))
    assert [part["PartNumber"] for part in sent] == [1, 2, 3, 4]
    assert objects(s3) == content([large])
    head = s3.head_object(Bucket="data", Key=PREFIX + "large.fits", ChecksumMode="ENABLED")
    checksum, _, n_parts = FileDigests.of(large, 5 * MIB).in_s3.partition("-")
    assert head["ChecksumSHA256"].startswith(checksum)  # HEAD of moto lacks the number of parts
    assert n_parts == "4"


def test_done_again_it_sends_only_what_is_missing_or_differs(s3, driver, files, large):
    files = [*files, large]
    bring(driver, Transfer(files, WHERE))
    put, parts = calls(driver, "PutObject"), calls(driver, "UploadPart")
    bring(driver, Transfer(files, WHERE))
    assert (put, parts) == ([], [])
    s3.put_object(Bucket="data", Key=PREFIX + "a.fits", Body=b"x" * 3_000_000)
    s3.put_object(Bucket="data", Key=PREFIX + "large.fits", Body=b"half")
    s3.delete_object(Bucket="data", Key=PREFIX + "b.fits")
    bring(driver, Transfer(files, WHERE))
    assert [one["Key"].removeprefix(PREFIX) for one in put] == ["a.fits", "b.fits"]
    assert len(parts) == 4
    assert objects(s3) == content(files)


def test_an_upload_that_was_killed_goes_on_with_its_missing_parts(s3, driver, large):
    digests = FileDigests.of(large, 5 * MIB)
    key = {"Bucket": "data", "Key": PREFIX + "large.fits"}
    begun = s3.create_multipart_upload(
        **key, ChecksumAlgorithm="SHA256", Metadata={"sha256": digests.whole}
    )
    body = large.read_bytes()
    for number in (1, 3):
        s3.upload_part(
            **key,
            UploadId=begun["UploadId"],
            PartNumber=number,
            Body=body[(number - 1) * 5 * MIB : number * 5 * MIB],
            ChecksumSHA256=digests.parts[number - 1],
        )
    sent = calls(driver, "UploadPart")
    bring(driver, Transfer([large], WHERE))
    assert [part["PartNumber"] for part in sent] == [2, 4]
    assert objects(s3) == content([large])
    assert s3.list_multipart_uploads(Bucket="data").get("Uploads", []) == []


def test_a_begun_upload_of_another_content_is_thrown_away(s3, driver, large):
    key = {"Bucket": "data", "Key": PREFIX + "large.fits"}
    begun = s3.create_multipart_upload(**key, ChecksumAlgorithm="SHA256")
    s3.upload_part(
        **key, UploadId=begun["UploadId"], PartNumber=1, Body=b"other", ChecksumAlgorithm="SHA256"
    )
    bring(driver, Transfer([large], WHERE))
    assert objects(s3) == content([large])
    assert s3.list_multipart_uploads(Bucket="data").get("Uploads", []) == []


def test_the_digests_of_parts_are_those_of_the_parts(large):
    digests = FileDigests.of(large, 5 * MIB)
    assert (digests.size, len(digests.parts)) == (15 * MIB + 3, 4)
    assert FileDigests.of(large, 15 * MIB).parts[1] == digests.parts[3]


def test_an_empty_file_arrives(s3, driver, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.touch()
    bring(driver, Transfer([empty], WHERE))
    assert objects(s3) == {"empty.txt": b""}


def test_a_directory_comes_in_with_all_that_is_in_it(s3, driver, tmp_path):
    for name, body in {"a.fits": b"a" * 3 * MIB, "more/b.pdf": b"b", "more/": b""}.items():
        s3.put_object(Bucket="data", Key=f"pid_1_2/BLKGA/{name}", Body=body)
    s3.put_object(Bucket="data", Key="pid_1_2/BLKGAB/c.fits", Body=b"of another")
    target = tmp_path / "BLKGA.part"
    bring(driver, Fetch(destination("data", "pid_1_2", "BLKGA"), target))
    found = {f.relative_to(target).as_posix(): f for f in target.rglob("*") if f.is_file()}
    assert {name: len(f.read_bytes()) for name, f in found.items()} == {
        "a.fits": 3 * MIB,
        "more/b.pdf": 1,
    }
    got = calls(driver, "GetObject")
    found["a.fits"].write_bytes(b"half")
    bring(driver, Fetch(destination("data", "pid_1_2", "BLKGA"), target))
    assert [one["Key"] for one in got] == ["pid_1_2/BLKGA/a.fits"]
    assert found["a.fits"].stat().st_size == 3 * MIB


def test_content_that_is_not_what_its_sha256_says_takes_no_name(s3, driver, tmp_path):
    wrong = {"sha256": hashlib.sha256(b"other").hexdigest()}
    s3.put_object(Bucket="data", Key="pid_1_2/BLKGA/a.fits", Body=b"a", Metadata=wrong)
    with pytest.raises(TransferError, match=r"a\.fits: its content is not what its SHA-256 says"):
        bring(driver, Fetch(destination("data", "pid_1_2", "BLKGA"), tmp_path / "BLKGA"))
    assert not (tmp_path / "BLKGA" / "a.fits").exists()


def test_a_key_that_leads_elsewhere_is_refused(s3, driver, tmp_path):
    s3.put_object(Bucket="data", Key="pid_1_2/BLKGA/../../x.fits", Body=b"a")
    with pytest.raises(TransferError, match="expected a path below a directory"):
        bring(driver, Fetch(destination("data", "pid_1_2", "BLKGA"), tmp_path / "BLKGA"))
    assert not list(tmp_path.rglob("x.fits"))


def test_what_is_not_there_fails(driver, s3, files, tmp_path):
    with pytest.raises(TransferError, match="there are no files"):
        bring(driver, Fetch(destination("data", "pid_1_2", "NONE"), tmp_path / "NONE"))
    with pytest.raises(TransferError, match="NoSuchBucket") as caught:
        bring(driver, Transfer(files, destination("public", "pid_1_2", "inv.ABC123")))
    assert not isinstance(caught.value, TransferUnavailableError)


def test_a_service_that_does_not_answer_is_asked_later(s3, settings, files):
    driver = S3(settings.model_copy(update={"endpoint": "http://127.0.0.1:9"}))
    with pytest.raises(TransferUnavailableError, match="Could not connect"):
        bring(driver, Transfer(files, WHERE))


def answer(driver, monkeypatch, *errors):
    """Let the next answers to uploads be errors of the service, as (status, code)."""
    waiting = list(errors)

    def instead(**_):
        if not waiting:
            return None
        status, code = waiting.pop(0)
        body = f"<Error><Code>{code}</Code><Message>says it</Message></Error>"
        return AWSResponse("http://127.0.0.1", status, {}, Raw(body.encode()))

    driver.client.meta.events.register("before-send.s3.PutObject", instead)


class Raw:
    """The body of an answer."""

    def __init__(self, body):
        self._body = body

    def stream(self):
        yield self._body


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (403, "SignatureDoesNotMatch")],
)
def test_what_is_not_the_fault_of_the_files_is_for_later(
    s3, driver, files, monkeypatch, status, code
):
    answer(driver, monkeypatch, (status, code))
    with pytest.raises(TransferUnavailableError, match=f"{code}.*says it"):
        bring(driver, Transfer(files, WHERE))
    bring(driver, Transfer(files, WHERE))
    assert objects(s3) == content(files)


def test_a_busy_service_is_asked_again(s3, settings, files, monkeypatch):
    driver = S3(settings.model_copy(update={"retries": 2}))
    answer(driver, monkeypatch, (503, "SlowDown"), (500, "InternalError"))
    bring(driver, Transfer(files, WHERE))
    assert objects(s3) == content(files)


def test_a_refusal_fails(s3, driver, files, monkeypatch):
    answer(driver, monkeypatch, (403, "AccessDenied"))
    with pytest.raises(TransferError, match="AccessDenied") as caught:
        bring(driver, Transfer(files, WHERE))
    assert not isinstance(caught.value, TransferUnavailableError)


def test_without_credentials_nothing_starts(settings, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        S3(settings)


def test_no_log_of_ours_shows_a_secret(s3, driver, files, caplog):
    caplog.set_level("INFO")
    bring(driver, Transfer(files, WHERE))
    assert "must-not-be-shown" not in caplog.text
