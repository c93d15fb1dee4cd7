"""The commands of a campaign: what they print, and their exit status."""

import json

import pytest

from cvzmpi.errors import ConfigError, LedgerError
from cvzmpi.level2.configuration import Level2Config, load
from cvzmpi.level2.handing_in.ready_event import HandInError
from cvzmpi.level2.metadata_store.graphql_endpoint import MetadataStoreError
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.programs.remarks import RemarkError
from cvzmpi.level2.programs.reservation import ReservationError
from tests.level2.example_product import INVERSION_ID
from tests.level2.example_rows import OP, calcium, context, row


@pytest.fixture
def invertible(cvzmpi, store):
    """A campaign with an invertible program, and one that is not."""
    other = {"observingProgramExecutionId": "other", "primaryProposalId": "pid_2_2"}
    store.datasets = [row(), calcium(), context(), row("DARK", aoLocked=749, **other)]
    store.experiments = [{"experimentId": "eid_1_118", "experimentDescription": "Spots"}]
    cvzmpi("scan")
    cvzmpi("qualify")


def test_scan_reports_bad_rows_and_fails_softly(cvzmpi, store):
    store.datasets = [row(), row("BADLY", observingProgramExecutionId=None)]
    printed = cvzmpi("scan", status=1)
    assert "bad row BADLY: observingProgramExecutionId = None: expected" in printed
    assert "1 dataset, 1 Observing Program; 1 new program, 1 new dataset, 1 bad row" in printed


def test_scan_names_the_values_that_cannot_be_read(cvzmpi, store):
    store.datasets = [row(), row("BADLY", startTime="yesterday", frameCount=-1)]
    printed = cvzmpi("scan")
    assert "BADLY cannot be read: startTime = 'yesterday': expected" in printed
    assert "2 new datasets, 1 dataset unreadable in part" in printed


@pytest.mark.usefixtures("invertible")
def test_list_shows_and_filters(cvzmpi):
    assert cvzmpi("list") == (
        f"{OP}  pid_1_118  Invertible  -\nother  pid_2_2  Not Invertible  -\n"
    )
    assert cvzmpi("list", "--state", "invertible") == f"{OP}  pid_1_118  Invertible  -\n"
    (item,) = json.loads(cvzmpi("list", "--proposal", "pid_2_2", "--json"))
    assert item["failed"] == ["ao_locked", "line_CaII854"]


@pytest.mark.usefixtures("invertible")
def test_reservations_by_people(cvzmpi):
    assert cvzmpi("reserve", OP, "--by", "Jane") == f"{OP}: reserved by Jane\n"
    with pytest.raises(ReservationError, match="Jane has it"):
        cvzmpi("reserve", OP, "--by", "Joe")
    assert cvzmpi("list", "--by", "jane").startswith(OP)
    assert cvzmpi("release", OP) == f"{OP}: released\n"
    assert cvzmpi("list", "--by", "jane") == ""


@pytest.mark.usefixtures("invertible")
def test_the_earlier_name_of_reserve_is_understood(cvzmpi):
    assert cvzmpi("claim", OP, "--by", "Jane") == f"{OP}: reserved by Jane\n"


@pytest.mark.usefixtures("invertible")
def test_show_tells_everything(cvzmpi):
    printed = cvzmpi("show", "other")
    for text in (
        "Not Invertible since ",
        "proposal pid_2_2, experiment eid_1_118, VISP, from 2022-06-02 17:22 UTC",
        "ao_locked (locked frames/1): NO",
        "DARK  AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %",
        "discovered  [level2 scan]",
        "not_qualified  [level2 qualify]",
    ):
        assert text in printed


def test_inverted_and_publish(cvzmpi, store, example, product, tmp_path):
    store.datasets = [example.row(), calcium()]
    cvzmpi("scan")
    cvzmpi("qualify")
    with pytest.raises(HandInError, match="commit: "):
        cvzmpi("inverted", OP, "--files", str(product), "--commit", "not a commit")
    with pytest.raises(ProductError, match="there is no such file"):
        cvzmpi("inverted", OP, "--files", "gone", "--commit", "abc123")
    assert cvzmpi("retry", OP) == f"{OP}: Invertible again\n"
    assert (
        cvzmpi("inverted", OP, "--files", "product", "--commit", "abc123", "--by", "Jane")
        == f"{OP}: inverted, {INVERSION_ID}\n"
    )
    assert cvzmpi("publish") == f"{OP}: published, {INVERSION_ID}\n"
    assert len(store.inversions) == 1
    assert cvzmpi("reopen", OP) == f"{OP}: reopened\n"


@pytest.fixture
def handed_in(cvzmpi, store, example, product):
    """A campaign with an inverted program."""
    store.datasets = [example.row(), calcium()]
    for command in ("scan", "qualify"):
        cvzmpi(command)
    cvzmpi("inverted", OP, "--files", str(product), "--commit", "abc123", "--by", "Jane")


@pytest.mark.usefixtures("handed_in")
def test_notes_are_shown_with_the_program_and_the_inversion(cvzmpi):
    assert cvzmpi("note", OP, "clouds from 18:20 on", "--by", "Jane") == f"{OP}: noted by Jane\n"
    cvzmpi("note", INVERSION_ID, "--by", "Joe", "--", "--the azimuth; $(is) 'doubtful'")
    printed = cvzmpi("show", OP)
    assert "clouds from 18:20 on" in printed
    assert "--the azimuth; $(is) 'doubtful'" in printed
    with pytest.raises(RemarkError, match="no such Observing Program; did you mean"):
        cvzmpi("note", OP[:-1], "text", "--by", "Jane")


@pytest.mark.usefixtures("handed_in")
def test_a_withdrawn_inversion_is_not_published(cvzmpi, store):
    assert f"Inverted  -  {INVERSION_ID} To publish" in cvzmpi("list")
    withdraw = ("withdraw", INVERSION_ID, "--by", "Jane", "--reason", "wrong line list")
    assert cvzmpi(*withdraw) == (
        f"{INVERSION_ID}: withdrawn by Jane\n"
        f"{OP}: has no other inversion: hand in another one, or look at it from the beginning with "
        f"cvzmpi level2 reopen {OP}\n"
    )
    assert cvzmpi("publish") == ""
    assert store.inversions == []
    assert f"Inverted  -  {INVERSION_ID} Withdrawn" in cvzmpi("list")
    printed = cvzmpi("show", OP)
    assert f"inversion {INVERSION_ID}  science team, Jane, commit abc123  " in printed
    assert "withdrawn by Jane at 2" in printed
    assert "wrong line list" in printed
    assert f"{INVERSION_ID} withdrawn by Jane: wrong line list" in cvzmpi("history", OP)
    with pytest.raises(RemarkError, match=r"withdrawn by Jane at .* already"):
        cvzmpi(*withdraw)


@pytest.mark.usefixtures("handed_in")
def test_a_published_inversion_that_is_withdrawn_keeps_its_record(cvzmpi, store, campaign):
    cvzmpi("publish")
    files = sorted(path for path in (campaign / "buckets").rglob("*") if path.is_file())
    printed = cvzmpi("withdraw", INVERSION_ID, "--by", "Jane", "--reason", "wrong line list")
    assert f"ask the people who run it to remove the inversion {INVERSION_ID}" in printed
    assert len(store.inversions) == 1
    assert sorted(path for path in (campaign / "buckets").rglob("*") if path.is_file()) == files
    assert f"Published  -  {INVERSION_ID} Withdrawn" in cvzmpi("list")
    assert "it was published 2" in cvzmpi("show", OP)
    (item,) = json.loads(cvzmpi("list", "--json"))
    (listed,) = item["inversions"]
    assert (listed["commit"], listed["withdrawal"]["withdrawn_by"]) == ("abc123", "Jane")
    assert listed["published"] is not None


@pytest.mark.usefixtures("invertible")
def test_the_inbox_says_what_it_took(cvzmpi, campaign):
    (campaign / "inbox").mkdir()
    ready = {"program": OP, "files": ["gone"], "commit": "abc123"}
    (campaign / "inbox" / "ready.json").write_text(json.dumps(ready))
    assert "ready.json: " in cvzmpi("inbox", status=1)
    assert cvzmpi("inbox") == ""


# ----------------------------------------------------------------- configuration


def test_config_prints_a_file_that_means_the_defaults(cvzmpi, campaign):
    printed = cvzmpi("config")
    (campaign / "printed.toml").write_text(printed)
    loaded = load(campaign / "printed.toml")
    assert loaded.qualify == Level2Config().qualify
    assert loaded.publish.destination == campaign / "buckets"


@pytest.mark.parametrize("command", [["status"], ["history", OP]])
def test_the_status_of_a_campaign_that_is_not_there_is_one_line(cvzmpi, campaign, command):
    with pytest.raises(LedgerError, match="there is no ledger"):
        cvzmpi(*command)
    assert not (campaign / "ledger.sqlite").exists()


def test_a_program_of_no_characters_has_no_history(cvzmpi):
    cvzmpi("list")
    with pytest.raises(LedgerError, match="no such unit"):
        cvzmpi("history", "\udcff")


def test_wrong_settings_are_named(campaign):
    with pytest.raises(ConfigError, match=r"qualify\.spectral_rule = 'best': expected 'band'"):
        load(None, ("qualify.spectral_rule=best",))
    with pytest.raises(
        ConfigError, match=r"unknown key 'qualify\.days'; known here: min_ao_locked"
    ):
        load(None, ("qualify.days=3",))


def test_a_rule_of_the_command_line_is_in_force(cvzmpi, store):
    store.datasets = [row()]
    cvzmpi("scan")
    assert cvzmpi("qualify").startswith("0 found invertible, 1 not")
    assert cvzmpi("qualify", "--set", "qualify.spectral_rule=named").startswith("1 found")


def test_without_a_store_it_says_what_is_missing(cvzmpi, campaign):
    (campaign / "cvzmpi.toml").write_text("")
    with pytest.raises(ConfigError, match=r"store\.url is not set"):
        cvzmpi("scan")


def test_a_store_that_does_not_answer_is_one_line(cvzmpi, campaign):
    (campaign / "cvzmpi.toml").write_text('[store]\nurl = "http://127.0.0.1:9/"\nretries = 0\n')
    with pytest.raises(MetadataStoreError, match=r"http://127\.0\.0\.1:9/: no answer: ") as error:
        cvzmpi("scan")
    assert "\n" not in str(error.value)
