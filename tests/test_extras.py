"""A package that is not installed is one line, which says what brings it."""

import sys

import pytest

from cvzmpi.errors import MissingPackageError
from cvzmpi.extras import PACKAGES, needs
from tests.conftest import ROOT


@pytest.fixture
def lacking(monkeypatch):
    """Take a package away."""

    def take(package):
        class Finder:
            def find_spec(self, name, *_):
                if name.partition(".")[0] == package:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])

    return take


def test_who_needs_a_package_says_which_extra_brings_it(lacking):
    lacking("lightkurve")
    with pytest.raises(MissingPackageError) as caught, needs("search", "light_curve()"):
        import lightkurve  # noqa: F401
    assert str(caught.value) == 'light_curve() needs lightkurve: pip install "cvzmpi[search]"'


def test_the_extra_of_a_package_is_known(lacking):
    lacking("psycopg")
    with pytest.raises(MissingPackageError, match=r"this needs psycopg: .*cvzmpi\[postgres\]"):  # noqa: SIM117
        with needs():
            import psycopg.conninfo  # noqa: F401


@pytest.mark.parametrize("name", ["no_package_of_any_extra", "cvzmpi.no_module_of_ours"])
def test_a_defect_stays_one(name):
    with pytest.raises(ModuleNotFoundError), needs():
        __import__(name)


def test_a_command_without_its_package_is_one_line_and_status_2(
    lacking, call, monkeypatch, tmp_path
):
    lacking("pyarrow")
    importers = ("cvzmpi.cvz.results", "cvzmpi.cvz.commands.index")
    for name in [name for name in sys.modules if name.startswith(importers)]:
        monkeypatch.delitem(sys.modules, name)
    status, out, err = call("index", tmp_path)
    assert (status, out) == (2, "")
    assert err == 'cvzmpi index needs pyarrow: pip install "cvzmpi[index]"\n'


def test_the_project_file_has_the_packages_of_the_extras():
    text = (ROOT / "pyproject.toml").read_text()
    names = {"yaml": "pyyaml", "astroquery": "lightkurve", "asdf": "dkist", "gwcs": "dkist"}
    names |= {
        "prometheus_client": "prometheus-client",
        "globus_sdk": "globus-sdk",
        "botocore": "boto3",
    }
    for extra, packages in PACKAGES.items():
        listed = text.partition(f"\n{extra} = [")[2].partition("]\n")[0]
        for package in packages:
            assert f'"{names.get(package, package)}' in listed
