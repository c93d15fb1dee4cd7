"""The settings of transfers: by which driver files are brought, and between which places."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from cvzmpi.config import FilePath, Section, Url


def _collection(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError as error:
        raise ValueError("expected the id of a collection, a UUID, or nothing") from error


def _absolute(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("expected a path that begins with /")
    return text


Collection = Annotated[str, AfterValidator(_collection)]
CollectionPath = Annotated[str, AfterValidator(_absolute)]
Driver = Literal["copy", "globus", "s3"]


class Level1Config(Section):
    """The Level 1 data to invert."""

    directory: FilePath = Field(
        Path("level1"), description="directory of <dataset> or <proposal>/<dataset>"
    )
    driver: Literal["", "copy", "globus", "s3"] = Field(
        "", description='service that brings the data: "copy", "globus", "s3"; "" brings none'
    )
    source: FilePath = Field(
        Path("buckets"), description='directory that holds the buckets of the data, for "copy"'
    )
    datasets: Literal["iron", "all"] = Field(
        "iron", description='which are brought: "iron", those with the lines at 630 nm, or "all"'
    )
    at_once: int = Field(2, ge=1, le=20, description="datasets that are brought at the same time")


class GlobusConfig(Section):
    """Transfers by Globus."""

    here_collection: Collection = Field(
        "", description="id of the collection that shows files of this machine"
    )
    here_directory: FilePath = Field(
        Path("/"), description="directory of this machine that it shows"
    )
    here_path: CollectionPath = Field("/", description="path of that directory in the collection")
    level1_collection: Collection = Field("", description="id of the collection of Level 1 data")
    level1_path: CollectionPath = Field("/", description="path of the buckets in it")
    publish_collection: Collection = Field("", description="id of the collection to publish in")
    publish_path: CollectionPath = Field("/", description="path of the buckets in it")
    retries: int = Field(5, ge=0, description="repetitions of a request without a usable answer")


class S3Config(Section):
    """Transfers by S3."""

    endpoint: Url = Field(
        "", pattern="^(https?://.+)?$", description='address of the service; "" is that of AWS'
    )
    region: str = Field("", description='region of the buckets; "" is that of the environment')
    part: int = Field(
        64, ge=5, le=5000, description="MiB that are sent at once; larger files go in such parts"
    )
    retries: int = Field(5, ge=0, description="repetitions of a request without a usable answer")
