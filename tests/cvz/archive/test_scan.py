"""Scan: all light curves of all targets into the ledger, once, with what was judged."""

import json
import os
import time

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.cvz.commands.archive import open_ledger, scan_targets
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.errors import ArchiveDownError, ArchiveError, ConfigError
from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.messages import progress_bar

YEAR_1, YEAR_2 = range(1, 14), range(14, 27)


@pytest.fixture
def campaign(settings_for):
    """The configuration of a campaign that asks an archive."""

    def of(archive, targets="TICID,Tmag\n1,8\n2,9\n3,10\n4,11\n", *more):
        quick = ["archive.attempts=1", "archive.read_timeout=5"]
        return load(None, [*settings_for(archive, targets), *quick, *more])

    return of


@pytest.fixture
def cvz_archive(open_archive):
    """Star 1 has a whole year, star 2 nine sectors of it, star 3 something in two, star 4 none."""
    return open_archive(
        *((1, sector) for sector in YEAR_1),
        *((2, sector) for sector in YEAR_1[:9]),
        *((3, sector) for sector in (12, 13, *YEAR_2)),
        *((99, sector) for sector in YEAR_1),
    )


def scan(config):
    return scan_targets(config, pytest.fail)[0]


def states(config):
    with open_ledger(config) as ledger:
        return {unit.name: unit.state for unit in ledger.units()}


def test_every_light_curve_is_judged_with_its_star(cvz_archive, campaign):
    config = campaign(cvz_archive)
    result = scan(config)
    assert str(result).splitlines() == [
        "4 targets: 2 qualify, 1 without any light curve",
        "37 light curves: 28 of stars that qualify",
        "ledger: 38 units added, 0 judged anew",
    ]
    found = states(config)
    assert {name for name, state in found.items() if state is State.QUALIFIED} == {
        *(f"1_{sector}" for sector in YEAR_1),
        *(f"3_{sector}" for sector in (12, 13, *YEAR_2)),
    }
    assert {name for name, state in found.items() if state is State.NOT_QUALIFIED} == {
        *(f"2_{sector}" for sector in YEAR_1[:9]),
        "4",
    }


def test_the_ledger_says_where_a_light_curve_is_and_how_its_star_was_judged(cvz_archive, campaign):
    config = campaign(cvz_archive)
    scan(config)
    with open_ledger(config) as ledger:
        (unit,) = ledger.units(names=["2_5"])
        discovered, judged = ledger.history("2_5")
    assert unit.facts == {"tic": 2, "sector": 5, "product": product_of(2, 5).name}
    assert discovered.to_state is State.DISCOVERED
    assert (judged.from_state, judged.to_state) == (State.DISCOVERED, State.NOT_QUALIFIED)
    assert judged.detail == {"products": 9, "sectors_per_year": 9, "year": 1}
    assert judged.message.startswith("9 light curves in its best year of observation, expected")
    assert judged.job.program == "scan"


def test_a_star_without_light_curves_is_a_fact(cvz_archive, campaign):
    config = campaign(cvz_archive)
    scan(config)
    with open_ledger(config) as ledger:
        *_, judged = ledger.history("4")
    assert judged.to_state is State.NOT_QUALIFIED
    assert judged.message == "no 2-minute light curve in any sector"


def test_scanning_again_adds_nothing(cvz_archive, campaign):
    config = campaign(cvz_archive)
    scan(config)
    before = histories(config)
    result = scan(config)
    assert (result.n_new, result.n_changed) == (0, 0)
    assert histories(config) == before


def test_a_new_sector_adds_just_its_units(cvz_archive, campaign):
    config = campaign(cvz_archive)
    scan(config)
    before = histories(config)
    cvz_archive.counts.requests.clear()
    cvz_archive.catalog.add([product_of(1, 27), product_of(3, 27), product_of(99, 27)])
    result = scan(config)
    assert (result.n_new, result.n_changed) == (2, 0)
    after = histories(config)
    assert after.keys() - before.keys() == {"1_27", "3_27"}
    assert {name: after[name] for name in before} == before
    # sector 27, and two that are not there
    assert len(cvz_archive.counts.requests) == 3


def test_a_star_qualifies_when_it_has_sectors_enough(open_archive, campaign):
    archive = open_archive(*((1, sector) for sector in YEAR_1[:9]))
    config = campaign(archive, "1\n")
    assert scan(config).n_qualified == 0
    archive.catalog.add([product_of(1, 10)])
    result = scan(config)
    assert (result.n_new, result.n_changed, result.n_qualified) == (1, 9, 10)
    assert set(states(config).values()) == {State.QUALIFIED}


def test_a_star_qualifies_no_more_when_the_criteria_change(cvz_archive, campaign):
    scan(campaign(cvz_archive))
    strict = campaign(cvz_archive, "TICID,Tmag\n1,8\n2,9\n3,10\n", "archive.max_tmag=9.5")
    result = scan(strict)
    assert (result.n_new, result.n_changed) == (0, 15)
    with open_ledger(strict) as ledger:
        *_, judged = ledger.history("3_14")
    assert judged.from_state is State.QUALIFIED
    assert judged.message == "TESS magnitude 10, expected at most 9.5 (archive.max_tmag)"
    assert judged.detail["tmag"] == 10


def test_what_was_worked_on_is_not_judged_again(cvz_archive, campaign):
    config = campaign(cvz_archive)
    scan(config)
    with open_ledger(config) as ledger, ledger.job("run") as job:
        steps = [State.PREPROCESSED, State.WORKING, State.DONE]
        for state in steps:
            ledger.record([Event("1_1", state)], job)
    result = scan(campaign(cvz_archive, "TICID,Tmag\n1,8\n", "archive.max_tmag=5.0"))
    assert result.n_changed == 12
    assert states(config)["1_1"] is State.DONE


def test_targets_that_are_new_in_the_list_are_added(cvz_archive, campaign):
    scan(campaign(cvz_archive, "1\n"))
    result = scan(campaign(cvz_archive, "1\n2\n"))
    assert (result.n_new, result.n_changed) == (9, 0)


def test_magnitudes_are_needed_where_they_matter(cvz_archive, campaign):
    config = campaign(cvz_archive, "TICID\n1\n", "archive.max_tmag=9.0")
    with pytest.raises(ConfigError, match=r"targets\.csv: expected a column Tmag"):
        scan(config)


def test_a_dead_archive_is_told_and_nothing_is_recorded(cvz_archive, campaign):
    cvz_archive.listing_faults.always[0] = "503"
    config = campaign(cvz_archive)
    with pytest.raises(ArchiveDownError, match=r"tesscurl_sector_1_lc\.sh: status 503"):
        scan(config)
    assert states(config) == {}


def test_that_the_archive_is_waited_for_is_said_at_once(cvz_archive, campaign):
    cvz_archive.listing_faults.always[0] = "503"
    config = campaign(cvz_archive, "1\n", "archive.attempts=6")  # half a minute of pauses
    said = []

    def end_the_outage(line):
        said.append(line)
        cvz_archive.listing_faults.always.clear()

    scan_targets(config, end_the_outage)
    first, second = said
    address = cvz_archive.listings.replace("{sector}", "1")
    assert first.startswith(f"waiting for the archive: {address}: status 503; asked again in ")
    assert second.startswith("the archive answers again, after ")


# ----------------------------------------------------------------- a campaign does not shrink


@pytest.mark.parametrize("fault", ["403", "404", "web page", "empty", "redirected to log in"])
def test_without_any_listing_no_star_is_judged(cvz_archive, campaign, fault):
    cvz_archive.listing_faults.always[0] = fault
    config = campaign(cvz_archive)
    with pytest.raises(ArchiveError, match=r"tesscurl_sector_1_lc\.sh: "):
        scan(config)
    assert states(config) == {}


@pytest.mark.parametrize(("fault", "sector"), [("403", 1), ("404", 26), ("web page", 5)])
@pytest.mark.parametrize("kept", [True, False])
def test_a_sector_that_is_gone_takes_nothing_away(
    cvz_archive, campaign, tmp_path, fault, sector, kept
):
    config = campaign(cvz_archive)
    scan(config)
    before = states(config)
    make_old(tmp_path, remove=not kept)
    cvz_archive.listing_faults.always[sector] = fault
    if kept:
        notes = []
        result, _ = scan_targets(config, notes.append)
        assert (result.n_new, result.n_changed, result.n_qualified_targets) == (0, 0, 2)
        assert f"sector_{sector}_lc.sh: " in notes[-1]
        assert "its listing of 8 days ago is used" in notes[-1]
    else:
        with pytest.raises(ArchiveDownError, match=f"sector_{sector}_"):
            scan_targets(config, lambda _: None)
    assert states(config) == before


def test_light_curves_that_are_listed_no_more_still_count(open_archive, campaign, tmp_path):
    """The listing is whole and of the right sector, but for one of many stars."""
    others = [(tic, sector) for tic in range(100, 300) for sector in YEAR_1]
    config = campaign(open_archive(*((1, s) for s in YEAR_1[:10]), *others), "1\n")
    assert scan(config).n_qualified == 10
    make_old(tmp_path)
    fewer = open_archive(*((1, sector) for sector in YEAR_1[:9]), *others)
    result = scan(campaign(fewer, "1\n"))
    assert (result.n_light_curves, result.n_qualified, result.n_changed) == (10, 10, 0)
    assert set(states(config).values()) == {State.QUALIFIED}


def test_what_was_judged_while_sectors_were_missing_is_put_right(open_archive, campaign):
    """As an earlier version did: it took an archive that did not answer for one without data."""
    archive = open_archive((5, 1))
    config = campaign(archive, "1\n2\n")
    scan(config)
    assert states(config) == dict.fromkeys(["1", "2"], State.NOT_QUALIFIED)
    archive.catalog.add(product_of(1, sector) for sector in YEAR_1[1:])
    result = scan(config)
    assert (result.n_qualified, result.n_without_data) == (12, 1)
    with open_ledger(config) as ledger:
        *_, judged = ledger.history("1")
        assert len(ledger.history("2")) == 2
    assert judged.to_state is State.NOT_QUALIFIED
    assert judged.message.startswith("it has light curves now, which are units of their own: sect")
    before = histories(config)
    scan(config)
    assert histories(config) == before  # it is put right once


def test_new_targets_are_judged_with_what_is_kept_while_the_archive_refuses(
    cvz_archive, campaign, tmp_path
):
    scan(campaign(cvz_archive, "1\n"))
    make_old(tmp_path)
    cvz_archive.listing_faults.always[0] = "403"
    notes = []
    result, _ = scan_targets(campaign(cvz_archive, "1\n3\n"), notes.append)
    assert (result.n_new, result.n_qualified_targets) == (15, 2)
    assert result.unseen.endswith("the archive does not give it (status 403)")
    assert notes[-1] == f"{result.unseen}; new sectors cannot be looked for"


def make_old(tmp_path, remove=False):
    """Make the kept listings older, or have them gone."""
    then = time.time() - 8 * 86400
    for file in tmp_path.rglob("*.sh.gz"):
        os.utime(file, (then, then))
        if remove:
            file.unlink()


def test_with_lightkurves_search_the_same_is_found(open_archive, campaign):
    archive = open_archive(*((1, sector) for sector in YEAR_1), (2, 5))
    by_search = campaign(archive, "1\n2\n4\n", "archive.find=search")
    result = scan(by_search)
    assert (result.n_light_curves, result.n_qualified, result.n_without_data) == (14, 13, 1)
    assert archive.counts.requested("listings") == []
    again = scan(campaign(archive, "1\n2\n4\n"))
    assert (again.n_new, again.n_changed) == (0, 0)


# ----------------------------------------------------------------- the command


def command(archive, tmp_path, *arguments):
    places = [f"archive.scratch={tmp_path}/scratch", f"output.directory={tmp_path}/output"]
    settings = [f"--set={setting}" for setting in places] + archive.settings()
    return CliRunner().invoke(cli, [*arguments, *settings], standalone_mode=False)


def test_the_command_scans_a_list(cvz_archive, tmp_path):
    (tmp_path / "stars.txt").write_text("1\n2\n")
    ended = command(cvz_archive, tmp_path, "scan", str(tmp_path / "stars.txt"))
    assert ended.return_value == 0, ended.output
    assert "2 targets: 1 qualifies" in ended.stdout
    with Ledger.open(tmp_path / "output" / "ledger.sqlite", create=False) as ledger:
        assert len(ledger.units()) == 22


def test_rows_that_are_no_targets_are_told_and_the_others_scanned(cvz_archive, tmp_path):
    (tmp_path / "stars.txt").write_text("1\nEta Carinae\n")
    ended = command(cvz_archive, tmp_path, "scan", str(tmp_path / "stars.txt"))
    assert ended.return_value == 1
    assert "1 target: 1 qualifies" in ended.stdout
    told = [line for line in ended.stderr.splitlines() if line.startswith("cvzmpi: ")]
    assert told == [f"cvzmpi: {tmp_path}/stars.txt: line 2: expected a TIC number, not 'Eta'"]


def test_a_scan_that_could_not_look_for_new_sectors_is_not_complete(cvz_archive, tmp_path):
    (tmp_path / "stars.txt").write_text("1\n2\n")
    assert command(cvz_archive, tmp_path, "scan", str(tmp_path / "stars.txt")).return_value == 0
    cvz_archive.listing_faults.always[0] = "403"
    ended = command(cvz_archive, tmp_path, "scan", str(tmp_path / "stars.txt"))
    assert ended.return_value == 75
    assert "2 targets: 1 qualifies" in ended.stdout
    assert "new sectors cannot be looked for" in ended.stderr


def test_without_a_list_the_command_says_what_it_needs(open_archive, tmp_path):
    ended = command(open_archive(), tmp_path, "scan")
    assert isinstance(ended.exception, ConfigError)
    assert str(ended.exception) == "which targets? name a list, or set archive.targets"


def histories(config):
    with open_ledger(config) as ledger:
        return {
            unit.name: json.dumps([[e.to_state, e.at, e.detail] for e in history], default=str)
            for unit in ledger.units()
            for history in [ledger.history(unit.name)]
        }


def test_a_scan_that_takes_long_says_how_far_it_is(cvz_archive, campaign, monkeypatch, capsys):
    monkeypatch.setattr(progress_bar, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(progress_bar, "LINE_SECONDS", 0.0)
    scan_targets(campaign(cvz_archive, "1\n2\n3\n"), pytest.fail)
    lines = [line[20:] for line in capsys.readouterr().err.splitlines()]
    assert lines[0] == "1 light curve found, the last in sector 1"
    assert lines[-1] == "3 of 3 stars compared with the ledger"
