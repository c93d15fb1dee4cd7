"""What all tests share: one core, the data beside the repository, the stella models."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

from cvzmpi.mpi.launch import pin_to_one_core

# Before anything imports NumPy. The tests compute with the BLAS kernels that cvzmpi chooses, not
# with those that the environment happens to ask for: rounding depends on them.
if "numpy" in sys.modules:
    raise RuntimeError(
        "something imported NumPy before tests/conftest.py could choose its BLAS kernels: a pytest "
        "plugin? Leave it out with '-p no:NAME' in pyproject.toml, as zarr's"
    )
os.environ.pop("OPENBLAS_CORETYPE", None)
pin_to_one_core()
# What is printed is as wide as where there is no terminal; pytest-xdist and some shells set this.
os.environ.pop("COLUMNS", None)

import pytest  # noqa: E402

from cvzmpi.cli import main  # noqa: E402
from cvzmpi.cvz.detection.stella import published_models  # noqa: E402
from cvzmpi.cvz.detection.stella.network import Network  # noqa: E402
from cvzmpi.ledger import Ledger  # noqa: E402
from cvzmpi.mpi.stopping import SIGNALS  # noqa: E402
from tests.earlier_versions import COMMITS, NotInHistoryError, extract  # noqa: E402
from tests.web_page import DESKTOP, WebPage, start_browser  # noqa: E402
from tools.harness.postgres_server import PostgresServer, find_programs  # noqa: E402

_databases = itertools.count()

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# The real light curve of the demo, which keeps it in .setup/; see tools/demo.sh.
DEMO_FITS = "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
DEMO_FITS_SHA256 = "8f026f87bfaf4e79496e124dd6a9a36b5ff06ed597c0b3bff5387fa240681695"
DEMO_WHEEL = "altaipony==2.1.2"


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items):
    """Whatever asks for the fixture `shared_data` has the marker of that name."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared_data")


@pytest.fixture(scope="session")
def shared_data():
    """The directory of real light curves and reference outputs, beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real light curves and reference outputs in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_file(shared_data):
    """The FITS file of a real light curve, by TIC number and sector."""

    def find(tic, sector):
        (file,) = (shared_data / "tess").glob(f"*-s{sector:04d}-{tic:016d}-*_lc.fits")
        return file

    return find


@pytest.fixture(scope="session")
def altaipony_wheel(tmp_path_factory):
    """The wheel of AltaiPony: a light curve for the demo, and an oracle for power laws."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(directory), DEMO_WHEEL]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        pytest.skip(f"pip cannot download {DEMO_WHEEL}")
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def demo_file(request):
    """The FITS file of TIC 358108509, sector 1: the demo's, or from where the demo has it."""
    file = ROOT / ".setup" / DEMO_FITS
    if not _is_demo_file(file):
        wheel = request.getfixturevalue("altaipony_wheel")
        file = wheel.parent / DEMO_FITS
        with zipfile.ZipFile(wheel) as archive:
            file.write_bytes(archive.read(f"altaipony/examples/{DEMO_FITS}"))
        assert _is_demo_file(file)
    return file


def _is_demo_file(file):
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == DEMO_FITS_SHA256


@pytest.fixture(scope="session", params=COMMITS, ids=lambda commit: commit[:7])
def earlier(request, tmp_path_factory):
    """An earlier version of cvzmpi: a test with it runs for each of them."""
    try:
        return extract(request.param, tmp_path_factory.mktemp("earlier") / request.param)
    except NotInHistoryError as error:
        pytest.skip(f"earlier versions are taken from the git history, and {error}")


@pytest.fixture(scope="session")
def models():
    """The ten stella models."""
    return published_models.load(published_models.packed_file())


@pytest.fixture(scope="session")
def networks(models):
    return [Network.from_keras(models.of_model(model)) for model in range(len(models))]


@pytest.fixture
def browser(tmp_path):
    """A headless Chromium of one test alone."""
    driver = start_browser(tmp_path / "profile")
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def _browser_of_all(tmp_path_factory):
    directory = tmp_path_factory.mktemp("browser")
    (directory / "downloads").mkdir()
    driver = start_browser(directory / "profile", directory / "downloads")
    yield WebPage(driver, directory / "downloads")
    driver.quit()


@pytest.fixture
def web_page(_browser_of_all):
    """A page of the browser that tests share, in a light window of a desktop.

    It leaves no error in the console; a test that expects some takes them from `console_errors`.
    """
    page = _browser_of_all
    page.open("about:blank")
    page.browser.execute_cdp_cmd("Storage.clearDataForOrigin", _EVERYTHING)
    page.browser.delete_all_cookies()
    page.console_errors()
    page.size(DESKTOP)
    page.prefer("light")
    yield page
    assert page.console_errors() == []


_EVERYTHING = {"origin": "*", "storageTypes": "all"}


@pytest.fixture
def browser_until(browser):
    """Wait until something is so, while one page goes and another comes."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    def until(is_so):
        # The browser has many words for an element whose page is going.
        WebDriverWait(browser, 60, 0.1, [WebDriverException]).until(lambda _: is_so())

    return until


@pytest.fixture(autouse=True)
def signals_as_before():
    """A job in this process listens to signals; the next test, and Ctrl-C, find them as before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def no_log_of_others():
    """A job in this process begins a log; what another test, or its fixture, began ends here."""
    raises = logging.raiseExceptions
    _end_logs()
    yield
    _end_logs()
    logging.raiseExceptions = raises


def _end_logs():
    logger = logging.getLogger("cvzmpi")
    for handler in logger.handlers:
        handler.close()
    logger.handlers = []
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the command line in this process; its exit status, and what it printed."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cvzmpi", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of these tests' own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    with PostgresServer(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request, tmp_path):
    """Where an empty ledger can be made: each test with it runs on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return request.getfixturevalue("postgres").make_database(f"ledger_{next(_databases)}")


@pytest.fixture
def ledger(location):
    with Ledger.open(location) as ledger:
        yield ledger


@pytest.fixture
def job(ledger):
    return ledger.jobs.begin("test")
