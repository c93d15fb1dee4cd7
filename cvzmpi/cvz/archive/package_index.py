"""A source distribution of another project, from the package index that pip is told to use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from cvzmpi.cvz.archive.http.answers import Body
from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.errors import ArchiveError

STANDARD_INDEX = "https://pypi.org/simple"
INDEX_SETTINGS = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
"""Environment variables that name another index, with the same simple interface (PEP 503)."""


class _Links(HTMLParser):
    """The addresses of the links of a page, by their texts."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: dict[str, str] = {}
        self._address: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._address = dict(attrs).get("href")

    def handle_data(self, data: str) -> None:
        if self._address is not None:
            self.addresses[data.strip()] = self._address

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._address = None


def index_address(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the package index that pip or uv is told to use, or of the standard one."""
    named = (environment.get(setting, "").strip() for setting in INDEX_SETTINGS)
    return next(filter(None, named), STANDARD_INDEX).rstrip("/")


def fetch_distribution(project: str, file: str, sha256: str, index: str | None = None) -> bytes:
    """Fetch a file of a project from the package index.

    Parameters
    ----------
    project : str
        Its normalised name.
    file : str
        The name of the file.
    sha256 : str
        Its checksum; what differs is refused.
    index : str, optional
        Address of the index; by default `index_address()`.

    Raises
    ------
    ArchiveError
        If the index does not answer, does not have the file, or has another one of that name.
    """
    client = ArchiveClient(ClientLimits(attempts=2))
    page = f"{index or index_address()}/{project}/"
    links = _Links()
    links.feed(client.fetch(page, _content).decode(errors="replace"))
    if file not in links.addresses:
        raise ArchiveError(f"{page}: has no {file}")
    address, _ = urldefrag(urljoin(page, links.addresses[file]))
    content = client.fetch(address, _content)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ArchiveError(
            f"{address}: has checksum {found[:16]}..., expected {sha256[:16]}...: another file"
        )
    return content


def _content(body: Body) -> bytes:
    return b"".join(body.chunks)
