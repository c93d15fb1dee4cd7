"""One file on its way to S3.

It is sent with its SHA-256, which the service verifies, and in parts if it is large. The parts of
an upload that was killed stay, and are not sent again. The metadata of the object has the SHA-256
of the whole file, since the one that the service keeps may be of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from cvzmpi.errors import TransferError
from cvzmpi.level2.transfers.file_digests import FileDigests

SHA256 = "sha256"
"""Key of an object's metadata with the SHA-256 of its file, in hexadecimal."""

_NOT_FOUND = {"404", "NoSuchKey"}


def upload(client: Any, file: Path, bucket: str, key: str, part_size: int) -> bool:
    """Send a file, unless it is there with the same content.

    Parameters
    ----------
    client : botocore.client.BaseClient
        Of S3.
    part_size : int
        Bytes, whole MiB; a larger file is sent in parts.

    Returns
    -------
    bool
        True if it was sent.

    Raises
    ------
    TransferError
        If what arrived differs.
    OSError
        If the file cannot be read.
    botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
    """
    digests = FileDigests.of(file, part_size)
    one = _Upload(client, file, digests, {"Bucket": bucket, "Key": key})
    if one.is_there():
        return False
    if len(digests.parts) > 1:
        one.send_in_parts()
    else:
        one.send()
    if not one.is_there():
        raise TransferError(f"{file}: what S3 has of it differs")
    return True


@dataclass(frozen=True)
class _Upload:
    client: Any
    file: Path
    digests: FileDigests
    where: dict[str, str]  # bucket and key

    def is_there(self) -> bool:
        """True if the object is there with size and SHA-256 of the file."""
        try:
            head = self.client.head_object(**self.where, ChecksumMode="ENABLED")
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return False
            raise
        ours = self.digests.in_s3
        kept = head.get("ChecksumSHA256", ours)
        in_as_many_parts = kept.partition("-")[2] == ours.partition("-")[2]
        return (
            head["ContentLength"] == self.digests.size
            and (kept == ours or not in_as_many_parts)
            and head.get("Metadata", {}).get(SHA256) == self.digests.whole
        )

    def send(self) -> None:
        """Send the file as one."""
        with self.file.open("rb") as content:
            self.client.put_object(
                **self.where,
                Body=content,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=self.digests.in_s3,
                Metadata={SHA256: self.digests.whole},
            )

    def send_in_parts(self) -> None:
        """Send the parts that are missing, of an upload that was killed or of a new one."""
        begun, there = self._begun()
        if begun is None:
            begun = self.client.create_multipart_upload(
                **self.where, ChecksumAlgorithm="SHA256", Metadata={SHA256: self.digests.whole}
            )["UploadId"]
        parts = []
        for number, checksum in enumerate(self.digests.parts, 1):
            tag = there.get(number)
            if tag is None:
                tag = self.client.upload_part(
                    **self.where,
                    UploadId=begun,
                    PartNumber=number,
                    Body=self._part(number),
                    ChecksumSHA256=checksum,
                )["ETag"]
            parts.append({"PartNumber": number, "ETag": tag, "ChecksumSHA256": checksum})
        self.client.complete_multipart_upload(
            **self.where, UploadId=begun, MultipartUpload={"Parts": parts}
        )

    def _begun(self) -> tuple[str | None, dict[int, str]]:
        """The upload of this file that was begun, with the tags of the parts that are there.

        Uploads of something else to the same key are aborted.
        """
        uploads = self._listed("list_multipart_uploads", "Uploads", Prefix=self.where["Key"])
        found: tuple[str | None, dict[int, str]] = None, {}
        for begun in (one["UploadId"] for one in uploads if one["Key"] == self.where["Key"]):
            parts = self._listed("list_parts", "Parts", Key=self.where["Key"], UploadId=begun)
            if found[0] is None and all(map(self._is_ours, parts)):
                found = begun, {part["PartNumber"]: part["ETag"] for part in parts}
            else:
                self.client.abort_multipart_upload(**self.where, UploadId=begun)
        return found

    def _listed(self, operation: str, key: str, **which: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator(operation)
        pages = pages.paginate(Bucket=self.where["Bucket"], **which)
        return [one for page in pages for one in page.get(key, ())]

    def _is_ours(self, part: Mapping[str, Any]) -> bool:
        """True if a part that was sent is that of the file, by its SHA-256 or else by its MD5."""
        number = part["PartNumber"]
        if number > len(self.digests.parts):
            return False
        if checksum := part.get("ChecksumSHA256"):
            return bool(checksum == self.digests.parts[number - 1])
        digest = md5(self._part(number), usedforsecurity=False).hexdigest()
        return bool(part["ETag"].strip('"') == digest)

    def _part(self, number: int) -> bytes:
        with self.file.open("rb") as content:
            content.seek((number - 1) * self.digests.part_size)
            return content.read(self.digests.part_size)
