"""An archive that wants a user and a password: nobody reads them but the archive."""

import pytest

from cvzmpi.cvz.archive.scratch.scratch import StagedFile
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.errors import ArchiveError

SECRET = "sesamesesame"


def with_password(address):
    return address.replace("://", f"://jane:{SECRET}@")


def test_what_is_found_and_fetched_is_told_without_them(open_archive, settings_for, call, tmp_path):
    archive = open_archive((1, 1), (1, 2))
    settings = settings_for(archive, "TICID\n1\n")
    options = [f"--set={with_password(s) if '://' in s else s}" for s in settings]
    options += ["--set=archive.min_sectors_per_year=2"]
    said = [call(command, *options) for command in ("scan", "fetch")]
    assert [status for status, _, _ in said] == [0, 0]
    options += [
        "--set=archive.listings_max_age=0",
        f"--set=archive.listings=http://jane:{SECRET}@127.0.0.1:1/{{sector}}",
        "--set=archive.attempts=1",
        f"--set=archive.scratch={tmp_path}/other",
    ]
    said.append(call("scan", *options))
    assert said[-1][0] != 0
    assert "127.0.0.1:1/1" in said[-1][2]
    assert SECRET not in str(said)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path


def test_what_the_ledger_keeps_of_a_file_has_none(tmp_path):
    address = with_password("https://h/a")
    staged = StagedFile(product_of(1, 1), tmp_path / "a.fits", 1, "", 1, address)
    assert staged.detail()["address"] == "https://jane:***@h/a"


def test_an_error_names_the_address_without_them(client):
    with pytest.raises(ArchiveError) as error:
        client.fetch(f"http://jane:{SECRET}@127.0.0.1:1/x", lambda body: None)
    assert "http://jane:***@127.0.0.1:1/x: the connection failed" in str(error.value)
