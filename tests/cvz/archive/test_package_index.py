"""A distribution comes from the index that pip is told to use, and is the one that is meant."""

import hashlib
from http.server import BaseHTTPRequestHandler

import pytest

from cvzmpi.cvz.archive.package_index import (
    INDEX_SETTINGS,
    STANDARD_INDEX,
    fetch_distribution,
    index_address,
)
from cvzmpi.errors import ArchiveError
from tests.loopback import served_on_loopback

CONTENT = b"a distribution"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGES = {
    "/simple/thing/": b'<a href="thing-1.tar.gz">thing-1.tar.gz</a>'
    b'<a href="../../files/2/thing-2.tar.gz#sha256=00" data-x="">thing-2.tar.gz</a>',
    "/files/2/thing-2.tar.gz": CONTENT,
}


@pytest.fixture
def index():
    """A package index on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = PAGES.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with served_on_loopback(Handler) as address:
        yield f"{address}/simple"


@pytest.mark.parametrize("setting", INDEX_SETTINGS)
def test_the_index_is_that_of_pip_or_uv(setting):
    assert index_address({setting: "https://index.example.org/simple/"}) == (
        "https://index.example.org/simple"
    )
    assert index_address({setting: " "}) == index_address({}) == STANDARD_INDEX


def test_the_file_is_found_by_its_name(index):
    assert fetch_distribution("thing", "thing-2.tar.gz", SHA256, index) == CONTENT


def test_another_content_of_that_name_is_refused(index):
    with pytest.raises(ArchiveError, match=r"thing-2\.tar\.gz: has checksum .* expected 0000"):
        fetch_distribution("thing", "thing-2.tar.gz", "0" * 64, index)


@pytest.mark.parametrize(
    ("project", "file"),
    [("thing", "thing-3.tar.gz"), ("nothing", "x"), ("thing", "thing-1.tar.gz")],
)
def test_what_the_index_does_not_have_is_named(index, project, file):
    with pytest.raises(ArchiveError, match=project):
        fetch_distribution(project, file, SHA256, index)
