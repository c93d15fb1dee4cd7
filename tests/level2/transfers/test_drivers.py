"""The drivers that settings name; what is missing or wrong is said in one line before any start."""

import builtins

import pytest

from cvzmpi.errors import ConfigError, MissingPackageError
from cvzmpi.level2.configuration import load
from cvzmpi.level2.transfers.drivers import level1_driver, publication_driver
from cvzmpi.level2.transfers.globus import CLIENT_ID, CLIENT_SECRET, TOKEN, Globus
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.s3 import S3
from tests.level2.transfers.stand_in_globus import HERE, THERE

BY_GLOBUS = ("publish.driver=globus", "level1.driver=globus")
COLLECTIONS = (
    f"globus.here_collection={HERE}",
    f"globus.publish_collection={THERE}",
    f"globus.level1_collection={THERE}",
)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, tmp_path):
    for name in (TOKEN, CLIENT_ID, CLIENT_SECRET, "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def refusal(make, *settings):
    """The one line by which settings are refused."""
    with pytest.raises(ConfigError) as caught:
        make(load(None, settings))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_by_default_files_are_copied_out_and_nothing_comes_in():
    assert isinstance(publication_driver(load(None)), LocalCopy)
    assert refusal(level1_driver).startswith("level1.driver is not set")


def test_each_driver_is_made(monkeypatch):
    monkeypatch.setenv(TOKEN, "token")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    by_globus = load(None, (*BY_GLOBUS, *COLLECTIONS))
    by_s3 = load(None, ("publish.driver=s3", "level1.driver=s3"))
    by_copy = load(None, ("publish.driver=copy", "level1.driver=copy"))
    for make in (publication_driver, level1_driver):
        kinds = [type(make(config)) for config in (by_globus, by_s3, by_copy)]
        assert kinds == [Globus, S3, LocalCopy]


def test_settings_that_globus_needs_are_asked_for():
    assert refusal(publication_driver, *BY_GLOBUS) == (
        'globus.here_collection is not set, and publish.driver is "globus"'
    )
    assert refusal(level1_driver, *BY_GLOBUS, COLLECTIONS[0]) == (
        'globus.level1_collection is not set, and level1.driver is "globus"'
    )
    assert CLIENT_ID in refusal(publication_driver, *BY_GLOBUS, *COLLECTIONS)


def test_credentials_that_s3_needs_are_asked_for():
    assert "AWS_ACCESS_KEY_ID" in refusal(publication_driver, "publish.driver=s3")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("publish.driver=ftp", "publish.driver"),
        ("level1.driver=ftp", "level1.driver"),
        ("level1.at_once=0", "level1.at_once"),
        ("globus.here_collection=not-an-id", "expected the id of a collection"),
        ("globus.publish_path=relative", "expected a path that begins with /"),
        ("s3.endpoint=127.0.0.1", "s3.endpoint"),
        ("s3.part=1", "s3.part"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_in_one_line(setting, expected):
    assert expected in refusal(publication_driver, setting)


@pytest.mark.parametrize(
    ("package", "extra", "settings"),
    [
        ("globus_sdk", "globus", (*BY_GLOBUS, *COLLECTIONS)),
        ("boto3", "s3", ("publish.driver=s3",)),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch, package, extra, settings):
    monkeypatch.setenv(TOKEN, "token")
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=rf'{package}: pip install "cvzmpi\[{extra}\]"'):
        publication_driver(load(None, settings))
