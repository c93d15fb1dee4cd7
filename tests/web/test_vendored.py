"""Libraries of others among the assets: as they were published, with their licences."""

import hashlib

import pytest

from cvzmpi.config import tomllib
from cvzmpi.web.assets import ASSETS
from tests.conftest import ROOT

LIBRARIES = tomllib.loads((ASSETS / "vendored.toml").read_text(encoding="utf-8"))["library"]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library["name"])
def test_the_files_of_a_library_are_as_published(library):
    assert library["version"]
    assert library["source"].startswith("npm package ")
    assert library["licence"] == "MIT"
    for name, sha256 in library["sha256"].items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == sha256, name


def test_every_file_of_a_library_is_listed_and_every_licence_is_of_the_package():
    listed = {name for library in LIBRARIES for name in library["sha256"]}
    folders = {name.partition("/")[0] for name in listed}
    found = {
        path.relative_to(ASSETS).as_posix()
        for path in ASSETS.rglob("*")
        if path.is_file() and (path.parent != ASSETS or ".min." in path.name)
    }
    assert found == listed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for folder in folders:
        assert (ASSETS / folder / "LICENSE").exists()
        assert f"cvzmpi/web/assets/{folder}/LICENSE" in project["license-files"]
