"""The transfers that are killed in the tests: each of a driver, out or in."""

import os
from pathlib import Path

import boto3  # noqa: F401  imported before the processes that use it are forked
import globus_sdk  # noqa: F401

from cvzmpi.level2.fetching import dataset_fetch
from cvzmpi.level2.fetching.dataset_fetch import DatasetFetch
from cvzmpi.level2.maps.level1_faults import find_faults
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.transfer_settings import GlobusConfig, S3Config
from cvzmpi.level2.transfers.bring import bring
from cvzmpi.level2.transfers.globus import TOKEN, Globus
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.s3 import S3
from cvzmpi.level2.transfers.transfer import Fetch, TaskState, Transfer
from tests.level2.example_rows import row
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


def fetch_dataset(name, directory, service, dataset_id):
    """Bring a dataset as the step `fetch` does; it is looked into by this process."""
    dataset_fetch.call_bounded = lambda _, *arguments, **limits: find_faults(*arguments)
    directory = Path(directory)
    dataset = Dataset.model_validate(row(dataset_id, bucket="data"))
    fetch = DatasetFetch(driver(name, directory, service), dataset, directory / "here")
    assert fetch.take()
    if not fetch.is_here():
        fetch.n_missing_bytes()
        while fetch.look().state is not TaskState.SUCCEEDED:
            pass
    fetch.release()
