"""The configuration and the light curves of the campaign that is looked at."""

import pytest

from cvzmpi.cvz.checkup.campaign import CampaignFound, check_campaign
from cvzmpi.cvz.checkup.finding import Level
from tests.cvz.checkup.broken_machine import configured


def finding_of(path):
    return check_campaign(CampaignFound.find(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sed = 1\nlead = 2", "unknown key 'lead'"),
        ("seed =", "not valid TOML"),
        ("seed = 'x'", "seed = 'x': expected a whole number"),
    ],
)
def test_a_wrong_configuration_is_one_line(tmp_path, text, reason):
    (tmp_path / "cvzmpi.toml").write_text(text)
    finding = finding_of(tmp_path)
    assert finding.level is Level.PROBLEM
    assert reason in finding.says
    assert "\n" not in finding.says


def test_a_file_that_is_not_there(tmp_path):
    finding = finding_of(tmp_path / "my.toml")
    assert finding.level is Level.PROBLEM
    assert finding.says == f"{tmp_path / 'my.toml'}: no such configuration file"


@pytest.mark.parametrize(
    ("section", "settings", "reason"),
    [
        ("input", {"directory": "nowhere"}, "input.directory: "),
        ("input", {"targets": "nowhere.csv"}, "input.targets: "),
        ("archive", {"targets": "nowhere.csv"}, "archive.targets: "),
    ],
)
def test_there_is_nothing_to_work_on(tmp_path, section, settings, reason):
    finding = finding_of(configured(tmp_path, **{section: settings}))
    assert finding.level is Level.PROBLEM
    assert reason in finding.says


def test_the_files_are_counted(tmp_path):
    file = configured(tmp_path)
    assert finding_of(file).level is Level.NOTE
    for n_files, counted in enumerate(["1 FITS file in", "2 FITS files in"]):
        below = tmp_path / "input" / str(n_files)
        below.mkdir()
        (below / "tess_lc.fits").write_bytes(b"")
        finding = finding_of(tmp_path)
        assert finding.level is Level.OK
        assert f"; {counted} " in finding.says


def test_what_is_begun_needs_no_input(tmp_path):
    file = configured(tmp_path, input={"directory": "gone"})
    (tmp_path / "output" / "000").mkdir(parents=True)
    (tmp_path / "output" / "000" / "1_1.h5").write_bytes(b"")
    assert finding_of(file).level is Level.NOTE
