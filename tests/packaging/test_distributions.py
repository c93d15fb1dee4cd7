"""The wheel and the source distribution have what users need, and nothing else."""

import email
import re
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest

from tests.conftest import ROOT


def files_of(folder):
    """The files of a folder of the checkout, relative to it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="session")
def in_wheel(distributions):
    with zipfile.ZipFile(distributions.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def metadata(in_wheel):
    (name,) = (name for name in in_wheel if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(in_wheel[name])


def test_the_wheel_is_the_package_with_the_job_scripts_and_nothing_else(in_wheel):
    expected = {f"cvzmpi/{name}" for name in files_of(ROOT / "cvzmpi")}
    expected |= {f"cvzmpi/jobs/{name}" for name in files_of(ROOT / "jobs")}
    assert {name for name in in_wheel if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "cvz/detection/stella/networks/stella-0.1.0.npz",
        "cvz/detection/stella/networks/LICENSE",
        "cvz/results/report/templates/base.html",
        "cvz/stand_in_archive/__main__.py",
        "web/assets/theme.css",
        "web/assets/uplot/uPlot.iife.min.js",
        "jobs/cvz_ckpt.slurm",
        "jobs/run_in_slurm.sh",
        "jobs/mpirun.sh",
        "jobs/submit.py",
    ],
)
def test_what_users_need_is_in_the_wheel_as_it_is_here(in_wheel, name):
    assert in_wheel[f"cvzmpi/{name}"] == (ROOT / "cvzmpi" / name).read_bytes()


def test_the_wheel_is_light(distributions):
    assert distributions.wheel.stat().st_size < 6e6


def test_the_licences_of_cvzmpi_and_of_what_it_brings_are_named(metadata, in_wheel):
    named = metadata.get_all("License-File")
    assert named == [
        "LICENSE",
        "cvzmpi/cvz/detection/stella/networks/LICENSE",
        "cvzmpi/web/assets/uplot/LICENSE",
    ]
    assert sum(".dist-info/licenses/" in name for name in in_wheel) == len(named)


def requirements(metadata, extra=None):
    """The packages that the wheel requires, plainly or with an extra."""
    found = set()
    for line in metadata.get_all("Requires-Dist"):
        named = re.search(r"extra == [\"'](\w+)[\"']", line)
        if (named and named[1]) == extra:
            found.add(re.match(r"[\w.-]+", line)[0].lower())
    return found


def test_the_plain_package_requires_nothing_of_the_extras(metadata):
    plain = requirements(metadata)
    assert {"numpy", "h5py", "astropy", "matplotlib", "sqlalchemy"} <= plain
    for extra in ("mpi", "index", "search", "postgres", "serve", "level2"):
        assert requirements(metadata, extra)
        assert not requirements(metadata, extra) & plain
    assert requirements(metadata, "mpi") == {"mpi4py", "mpich"}


def test_the_developers_have_all_extras_but_the_mpi_from_wheels(metadata):
    lines = [line for line in metadata.get_all("Requires-Dist") if 'extra == "dev"' in line]
    (own,) = (line for line in lines if line.startswith("cvzmpi["))
    everything = next(
        line for line in metadata.get_all("Requires-Dist") if 'extra == "all"' in line
    )
    of_all, of_dev = (
        set(re.search(r"\[(.*?)\]", line)[1].split(",")) for line in (everything, own)
    )
    assert of_all - of_dev == {"mpi"}
    assert "mpi4py" in requirements(metadata, "dev")


def test_the_source_distribution_has_what_the_wheel_is_built_from(distributions, in_wheel):
    with tarfile.open(distributions.sdist) as archive:
        names = {"/".join(PurePosixPath(name).parts[1:]) for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert {name for name in in_wheel if ".dist-info/" not in name} <= names
