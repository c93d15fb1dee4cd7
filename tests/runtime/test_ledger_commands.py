"""The commands about the ledger, as they are called."""

import json

import pytest

from cvzmpi.ledger import Event, Ledger, NewUnit, State


@pytest.fixture
def output(tmp_path):
    """An output directory with a ledger: two units failed, one is done."""
    with Ledger.open(tmp_path / "output" / "ledger.sqlite") as ledger, ledger.job("test") as job:
        ledger.add_units([NewUnit(name, facts={"tic": 1}) for name in ("1_1", "2_1", "3_1")], job)
        for name in ("1_1", "2_1", "3_1"):
            way = (State.QUALIFIED, State.PREPROCESSED, State.WORKING)
            ledger.record([Event(name, state) for state in way], job)
        ledger.record([Event("1_1", State.DONE)], job)
        ledger.record([Event("2_1", State.ERROR, message="no flux", attempts_used=5)], job)
        ledger.record([Event("3_1", State.ERROR, message="disk full", attempts_used=5)], job)
    return tmp_path / "output"


def states(output):
    with Ledger.open(output / "ledger.sqlite") as ledger:
        return [str(unit.state) for unit in ledger.units()]


def test_status_is_for_people_and_for_programs(call, output):
    status, out, _ = call("status", "--output", output)
    assert status == 0
    assert "3 units: 1 done, 2 error" in out
    status, out, _ = call("status", "--output", output, "--json")
    assert json.loads(out)["units"]["error"] == 2


def test_status_takes_the_campaign_of_the_configuration(call, output, tmp_path, monkeypatch):
    (tmp_path / "cvzmpi.toml").write_text('[output]\ndirectory = "output"\n')
    assert "1 done" in call("status", "--config", tmp_path / "cvzmpi.toml")[1]
    monkeypatch.chdir(tmp_path)
    assert "1 done" in call("status")[1]


def test_status_says_what_waits_in_an_outbox(call, output):
    (output / "outbox").mkdir()
    (output / "outbox" / "7.jsonl").write_text("{}\n{}\n")
    (output / "outbox" / "7.refused.jsonl").write_text("{}\n")
    assert json.loads(call("status", "--output", output, "--json")[1])["undelivered_events"] == 2


def test_history_tells_the_whole_story(call, output):
    status, out, _ = call("history", "2_1", "--output", output)
    assert status == 0
    for word in ("discovered", "qualified", "preprocessed", "working", "error", "no flux", "tic 1"):
        assert word in out


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (["2_1"], ["done", "preprocessed", "error"]),
        (["2_1", "3_1"], ["done", "preprocessed", "preprocessed"]),
        (["--message", "disk"], ["done", "error", "preprocessed"]),
        (["--all"], ["done", "preprocessed", "preprocessed"]),
    ],
)
def test_retry_opens_what_is_meant(call, output, which, expected):
    status, out, _ = call("retry", *which, "--output", output)
    assert status == 0
    assert out == f"{expected.count('preprocessed')} of 2 failed units will be tried again\n"
    assert states(output) == expected
    with Ledger.open(output / "ledger.sqlite") as ledger:
        assert {u.attempts_used for u in ledger.units(states=[State.PREPROCESSED])} == {0}


@pytest.mark.parametrize("which", [[], ["2_1", "--all"], ["--all", "--message", "x"], ["1_1"]])
def test_retry_of_nothing_clear_is_refused(call, output, which):
    status, _, err = call("retry", *which, "--output", output)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert ("1_1 (is done)" in err) == (which == ["1_1"])
    assert states(output) == ["done", "error", "error"]


@pytest.mark.parametrize(
    "command", [["status"], ["history", "1_1"], ["retry", "--all"], ["verify", "--dry-run"]]
)
def test_a_campaign_without_a_ledger_is_one_line(call, tmp_path, command):
    status, _, err = call(*command, "--output", tmp_path / "nowhere")
    assert status == 2
    assert "there is no ledger" in err
    assert not (tmp_path / "nowhere").exists()


def test_a_unit_that_is_not_there_is_one_line(call, output):
    status, _, err = call("history", "9_9", "--output", output)
    assert status == 2
    assert "9_9: no such unit" in err


def test_no_campaign_at_all_is_one_line(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = call("status")
    assert status == 2
    assert "--config or --output" in err


def test_a_database_that_does_not_answer_is_one_line(call, tmp_path):
    url = f"postgresql://nobody@/db?host={tmp_path}"
    (tmp_path / "cvzmpi.toml").write_text(f'[ledger]\nurl = "{url}"\n')
    status, _, err = call("status", "--config", tmp_path / "cvzmpi.toml")
    assert status == 75, "it may be back later"
    (line,) = err.splitlines()
    assert "db" in line


def test_verify_compares_and_repairs(call, output):
    status, out, _ = call("verify", "--dry-run", "--output", output)
    assert status == 1
    assert "1 differ, 0 of them repaired" in out
    status, out, _ = call("verify", "--output", output)
    assert status == 0
    assert "3 units compared with their files, 1 differ, 1 of them repaired" in out
    assert states(output) == ["preprocessed", "error", "error"]
    assert "0 differ" in call("verify", "--output", output)[1]


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (["history", "1"], "no such unit in .*; did you mean '1_1'?"),
        (["history", "1_11"], "; did you mean '1_1'?"),
        (["retry", "2"], "2 (is not in the ledger; did you mean '2_1'?)"),
    ],
)
def test_a_unit_that_is_not_there_brings_those_that_may_be_meant(call, output, command, meant):
    status, _, err = call(*command, "--output", output)
    assert (status, len(err.splitlines())) == (2, 1)
    assert all(part in err for part in meant.split(".*"))


def test_nothing_is_like_a_name_that_no_unit_has(call, output):
    assert "did you mean" not in call("history", "frobnicate", "--output", output)[2]
