"""Services of transfers on loopback, and files to bring."""

from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from cvzmpi.level2.transfers import globus as globus_driver
from tests.level2.transfers.stand_in_globus import HERE, THERE, TOKEN, StandInGlobus, serving


@pytest.fixture
def files(tmp_path):
    directory = tmp_path / "here" / "product"
    directory.mkdir(parents=True)
    paths = [directory / f"{name}.fits" for name in "abc"]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 3_000_000)
    return paths


@pytest.fixture
def globus(tmp_path, monkeypatch):
    """The stand-in for Globus, whose token is in the environment."""
    collections = {HERE: tmp_path / "here", THERE: tmp_path / "there"}
    for directory in collections.values():
        directory.mkdir(exist_ok=True)
    with serving(StandInGlobus(collections)) as globus:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", globus.url)
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", globus.url)
        monkeypatch.setenv(globus_driver.TOKEN, TOKEN)
        yield globus


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 service on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """A client of that service, which has the bucket `data`; credentials are in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id-that-must-not-be-shown")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-be-shown")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
    urlopen(Request(f"{s3_server}/moto-api/reset", method="POST")).close()
    client.create_bucket(Bucket="data")
    return client
