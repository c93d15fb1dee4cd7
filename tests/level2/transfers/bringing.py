"""The transfers that are killed in the tests: each of a driver, out or in."""

import os
from pathlib import Path

import boto3  # noqa: F401  imported before the processes that use it are forked
import globus_sdk  # noqa: F401

from cvzmpi.level2.transfer_settings import GlobusConfig, S3Config
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.globus import TOKEN, Globus
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.s3 import S3
from cvzmpi.level2.transfers.transfer import Fetch, Transfer
from tests.level2.transfers.stand_in_globus import HERE, THERE
from tests.level2.transfers.stand_in_globus import TOKEN as GOOD_TOKEN


def driver(name, directory, service):
    """A driver between `here` in a directory, and `there` in it or at the address of a service."""
    if name == "globus":
        os.environ |= {"GLOBUS_SDK_SERVICE_URL_TRANSFER": service, TOKEN: GOOD_TOKEN}
        here = GlobusConfig(here_collection=HERE, here_directory=directory / "here", retries=0)
        return Globus(here, THERE, "/")
    if name == "s3":
        os.environ |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
        return S3(S3Config(endpoint=service, region="us-east-1", part=5, retries=0))
    return LocalCopy(directory / "there")


def bring_out(name, directory, service, where):
    """Bring the product out, as `publish` does."""
    directory = Path(directory)
    files = sorted((directory / "here" / "product").iterdir())
    one = Transfer(files, where)
    bring(driver(name, directory, service), one, pause=0, remembered=directory / "task.json")


def bring_in(name, directory, service, where):
    """Bring a dataset in, as `fetch` does."""
    directory = Path(directory)
    one = Fetch(where, directory / "here" / "dataset.part")
    bring(driver(name, directory, service), one, pause=0, remembered=directory / "task.json")
