"""Transfers by S3: the first part of a destination or source is the bucket, the rest begins a key.

What comes in is verified by the checksum that the service keeps, and by the SHA-256 in the metadata
of an object where there is one, as of those that `s3_upload` sends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cvzmpi.errors import ConfigError, TransferError, TransferUnavailableError, one_line
from cvzmpi.extras import needs
from cvzmpi.level2.transfer_settings import S3Config
from cvzmpi.level2.transfers.file_by_file import FileByFile
from cvzmpi.level2.transfers.s3_upload import SHA256, upload
from cvzmpi.level2.transfers.transfer import Fetch, Transfer, plain_path
from cvzmpi.messages.foreign_json import plain
from cvzmpi.storage.whole_file import synchronise

if TYPE_CHECKING:
    from botocore.client import BaseClient

_CHUNK = 1 << 20
_LATER = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SignatureDoesNotMatch",
    "SlowDown",
    "Throttling",
    "TooManyRequests",
}
"""Codes of errors that say nothing about the object: of credentials, clocks, and too much work."""


class S3(FileByFile):
    """Transfers to and from the buckets of an S3 service.

    Parameters
    ----------
    settings : S3Config

    Raises
    ------
    ConfigError
        If there are no credentials.
    MissingPackageError
        If boto3 is not installed.
    """

    def __init__(self, settings: S3Config) -> None:
        super().__init__()
        with needs("s3"):
            import boto3
            import botocore.config
            import botocore.exceptions
        self._botocore = botocore
        self._settings = settings
        self._session = boto3.Session(region_name=settings.region or None)
        if self._session.get_credentials() is None:
            raise ConfigError(
                "S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            )

    @cached_property
    def client(self) -> BaseClient:
        """The client of the service."""
        settings = self._settings
        retries = {"mode": "standard", "total_max_attempts": settings.retries + 1}
        style = {"addressing_style": "path" if settings.endpoint else "auto"}
        try:
            return self._session.client(
                "s3",
                endpoint_url=settings.endpoint or None,
                config=self._botocore.config.Config(retries=retries, s3=style),
            )
        except (self._botocore.exceptions.BotoCoreError, ValueError) as error:
            raise ConfigError(f"S3: {one_line(error)}") from error

    def submit(self, transfer: Transfer | Fetch, submission: str = "") -> str:
        """Begin to bring the files that have not arrived yet.

        Raises
        ------
        TransferError
        """
        if isinstance(transfer, Transfer):
            bucket, prefix = _bucket_and_prefix(transfer.destination)
            uploads = (self._upload(file, bucket, prefix + file.name) for file in transfer.files)
            return self.begin(f"s3:{transfer}", uploads, len(transfer.files))
        sizes = self.sizes(transfer.source)
        return self.begin(f"s3:{transfer}", self._downloads(transfer, sizes), len(sizes))

    def sizes(self, directory: str) -> dict[str, int]:
        """The sizes of the objects whose key begins with a directory.

        Raises
        ------
        TransferError
        """
        bucket, prefix = _bucket_and_prefix(directory)
        found = {}
        with self._asking(f"listing of {directory}"):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                for listed in page.get("Contents", ()):
                    if not listed["Key"].endswith("/"):  # as some programs mark directories
                        found[plain_path(listed["Key"].removeprefix(prefix))] = listed["Size"]
        return found

    def _upload(self, file: Path, bucket: str, key: str) -> bool:
        with self._asking(key):
            return upload(self.client, file, bucket, key, self._settings.part << 20)

    def _downloads(self, fetch: Fetch, sizes: dict[str, int]) -> Iterator[bool]:
        bucket, prefix = _bucket_and_prefix(fetch.source)
        fetch.directory.mkdir(parents=True, exist_ok=True)
        for name, size in sizes.items():
            target = fetch.directory / name
            if target.is_file() and target.stat().st_size == size:
                yield False  # a file has its name when it is whole
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            self._download(bucket, prefix + name, target)
            yield True
        synchronise(fetch.directory)

    def _download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object to a `.part` file, verify it, and rename it."""
        part = target.with_name(target.name + ".part")
        digest = sha256()
        with self._asking(key):
            answer = self.client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
            with part.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if part.stat().st_size != answer["ContentLength"]:
                raise TransferUnavailableError(f"S3: {key}: its content ended early")
            if answer.get("Metadata", {}).get(SHA256, digest.hexdigest()) != digest.hexdigest():
                raise TransferError(f"S3: {key}: its content is not what its SHA-256 says")
            part.replace(target)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn the errors of boto3 into those of transfers.

        Raises
        ------
        TransferUnavailableError
            If the service does not answer, has no time, or does not accept the credentials.
        TransferError
            If it refuses the request.
        """
        exceptions = self._botocore.exceptions
        try:
            yield
        except exceptions.ClientError as error:
            code = error.response["Error"].get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            later = code in _LATER or status == 429 or status >= 500
            kind = TransferUnavailableError if later else TransferError
            raise kind(f"S3: {what}: {plain(one_line(error), 300)}") from error
        except exceptions.FlexibleChecksumError as error:
            raise TransferError(f"S3: {what}: {plain(one_line(error), 300)}") from error
        except exceptions.BotoCoreError as error:
            raise TransferUnavailableError(f"S3: {what}: {plain(one_line(error), 300)}") from error


def _bucket_and_prefix(directory: str) -> tuple[str, str]:
    bucket, _, prefix = plain_path(directory).partition("/")
    return bucket, prefix
