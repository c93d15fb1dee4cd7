"""The SHA-256 of a file and of its parts, as S3 keeps them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_CHUNK = 1 << 20
_MOST_PARTS = 10_000  # of an object, says S3


@dataclass(frozen=True)
class FileDigests:
    """The digests of a file that is sent in parts of one size."""

    size: int  # bytes
    part_size: int  # bytes
    whole: str  # SHA-256, in hexadecimal
    parts: list[str]  # SHA-256 of each part, in base 64

    @classmethod
    def of(cls, file: Path, part_size: int) -> FileDigests:
        """Read a file once.

        Parameters
        ----------
        part_size : int
            Whole MiB, in bytes; more if the file had too many parts.

        Raises
        ------
        OSError
        """
        size = file.stat().st_size
        while size > part_size * _MOST_PARTS:
            part_size *= 2
        whole, part, parts, n_read = sha256(), sha256(), [], 0
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                whole.update(chunk)
                part.update(chunk)
                n_read += len(chunk)
                if n_read % part_size == 0:
                    parts.append(_base64(part.digest()))
                    part = sha256()
        if n_read % part_size or not parts:
            parts.append(_base64(part.digest()))
        return cls(n_read, part_size, whole.hexdigest(), parts)

    @property
    def in_s3(self) -> str:
        """The checksum that S3 keeps of an object that was sent in these parts.

        Of several parts, it is that of their checksums, and their number:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
        """
        if len(self.parts) == 1:
            return self.parts[0]
        digest = sha256(b"".join(base64.b64decode(part) for part in self.parts)).digest()
        return f"{_base64(digest)}-{len(self.parts)}"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
