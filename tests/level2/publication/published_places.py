"""The places where each driver publishes: how they are set up and what is in them."""

import logging
from contextlib import contextmanager
from urllib.request import Request, urlopen

import boto3
from moto.server import ThreadedMotoServer

from cvzmpi.level2.transfers.globus import TOKEN as GLOBUS_TOKEN
from tests.level2.transfers.stand_in_globus import HERE, THERE, TOKEN, StandInGlobus, serving
from tools.harness.http_forwarder import forwarding_http

BUCKETS = ("data", "public")


class Directory:
    """The buckets are directories."""

    def __init__(self, root, settings="", secrets=None):
        self._root = root
        self.settings = settings
        self.secrets = secrets or {}

    def files(self, where):
        """The content of all files in a directory `<bucket>/<key>/`, by bucket and key."""
        found = (self._root / where).rglob("*")
        return {str(p.relative_to(self._root)): p.read_bytes() for p in found if p.is_file()}


class S3Buckets:
    """The buckets are those of moto's server."""

    def __init__(self, address, forwarded):
        self.secrets = {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.settings = (
            f'[publish]\ndriver = "s3"\n'
            f'[s3]\nendpoint = "{forwarded}"\nregion = "us-east-1"\npart = 5\nretries = 0\n'
        )
        self._client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="id",
            aws_secret_access_key="secret",
        )
        urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()
        for bucket in BUCKETS:
            self._client.create_bucket(Bucket=bucket)

    def files(self, where):
        """The content of all files in a directory `<bucket>/<key>/`, by bucket and key.

        A part of an upload that has not ended counts as a file.
        """
        bucket, _, prefix = where.partition("/")
        which = {"Bucket": bucket, "Prefix": prefix}
        found = {}
        for one in self._client.list_objects_v2(**which).get("Contents", ()):
            body = self._client.get_object(Bucket=bucket, Key=one["Key"])["Body"]
            found[f"{bucket}/{one['Key']}"] = body.read()
        for one in self._client.list_multipart_uploads(**which).get("Uploads", ()):
            found[f"{bucket}/{one['Key']}, not ended"] = b""
        return found


@contextmanager
def copied(directory, moments):
    """Copied to directories; nobody is asked, so there are no moments."""
    root = directory / "buckets"
    yield Directory(root, f'[publish]\ndestination = "{root}"\n')


@contextmanager
def through_s3(directory, moments):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    try:
        with forwarding_http(address, "s3", moments) as forwarded:
            yield S3Buckets(address, forwarded)
    finally:
        server.stop()


@contextmanager
def through_globus(directory, moments):
    there = directory / "there"
    there.mkdir()
    settings = (
        f'[publish]\ndriver = "globus"\n'
        f'[globus]\nhere_collection = "{HERE}"\npublish_collection = "{THERE}"\n'
        f'here_directory = "{directory}"\nretries = 0\n'
    )
    with (
        serving(StandInGlobus({HERE: directory, THERE: there})) as globus,
        forwarding_http(globus.url, "globus", moments) as forwarded,
    ):
        services = dict.fromkeys(
            ("GLOBUS_SDK_SERVICE_URL_TRANSFER", "GLOBUS_SDK_SERVICE_URL_AUTH"), forwarded
        )
        yield Directory(there, settings, services | {GLOBUS_TOKEN: TOKEN})


PLACES = {"copy": copied, "s3": through_s3, "globus": through_globus}
