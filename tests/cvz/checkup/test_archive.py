"""The archive: answers, is silent, or is out of reach, where it is needed and where it is not."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from cvzmpi.cvz.archive_configuration import ArchiveConfig
from cvzmpi.cvz.checkup.archive import check_archive
from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.configuration import Config, InputConfig
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive


@pytest.fixture(params=[False, True], ids=["not needed", "needed"])
def settings(request, tmp_path):
    """Settings of a campaign that fetches light curves, and of one that does not."""
    targets = {"targets": tmp_path / "stars.csv"} if request.param else {}
    return {"scratch": tmp_path / "scratch", **targets}


def finding_at(address, settings):
    at = {"address": address, "listings": f"{address}/{{sector}}"}
    return check_archive(Config(archive=ArchiveConfig(**at, **settings)))


def level_if_down(settings):
    return Level.PROBLEM if "targets" in settings else Level.NOTE


def port_of(server):
    return server.getsockname()[1]


def test_out_of_reach(settings):
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{port_of(bound)}"
        finding = finding_at(address, settings)
    assert finding.level is level_if_down(settings)
    assert finding.says.startswith(f"{address}: the connection failed")
    assert ("this campaign needs none" in finding.says) == ("targets" not in settings)


def test_silent_it_is_waited_for_a_few_seconds(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        finding = finding_at(f"http://127.0.0.1:{port_of(silent)}", settings)
    assert finding.level is level_if_down(settings)
    assert "no answer in time" in finding.says


class _NotFound(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def answering():
    """The address of a server that has nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotFound) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_answering(answering, settings):
    finding = finding_at(answering, settings | {"scratch_gb": 0.001})
    assert finding.level is Level.OK
    assert finding.says.startswith(f"{answering} answers")


def test_without_room_in_scratch(answering, settings):
    finding = finding_at(answering, settings | {"scratch_gb": 1e9})
    assert finding.level is (Level.NOTE if "targets" in settings else Level.OK)
    assert ("scratch_gb" in finding.remedy) == ("targets" in settings)
    assert not settings["scratch"].exists()


def test_a_mirror_is_a_directory(tmp_path, settings):
    gone = finding_at((tmp_path / "mirror").as_uri(), settings)
    assert gone.level is level_if_down(settings)
    assert gone.says.startswith(f"{tmp_path / 'mirror'} is no directory")
    (tmp_path / "mirror").mkdir()
    assert finding_at((tmp_path / "mirror").as_uri(), settings).level is Level.OK


def test_the_listings_of_every_product_that_is_searched_are_asked_for(tmp_path):
    with StandInArchive(Catalog([product_of(1, 1)])) as archive:
        at = archive.addresses() | {"scratch": tmp_path, "targets": tmp_path / "stars.csv"}
        config = Config(
            input=InputConfig(products=["spoc-120", "spoc-20", "qlp"]), archive=ArchiveConfig(**at)
        )
        check_archive(config)
        assert [path.rpartition("/")[2] for path in archive.counts.requested("listings")] == [
            "tesscurl_sector_1_lc.sh",
            "tesscurl_sector_27_fast-lc.sh",
            "hlsp_qlp_tess_ffi_s0001_tess_v01_llc-fits.sh",
        ]


def test_products_that_the_archive_does_not_have_are_a_problem(tmp_path):
    archive = ArchiveConfig(targets=tmp_path / "stars.csv")
    finding = check_archive(Config(input=InputConfig(products=["kepler"]), archive=archive))
    assert finding.level is Level.PROBLEM
    assert "'kepler' is nothing that the archive" in finding.says
