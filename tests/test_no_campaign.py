"""In a directory that is no campaign, every command says so in one line, and makes nothing."""

import pytest

NOTHING = (
    "no cvzmpi.toml here",
    "no sector files in here",
    "there is no ledger",
    "no such directory",
)

COMMANDS = [
    *(["run"], ["fetch"], ["index"], ["report"], ["show"], ["ffd", "--all"], ["ffd", "1"]),
    *(["status"], ["verify"], ["history", "1_1"], ["retry", "--all"], ["grant", "somebody"]),
    *(
        ["index", "."],
        ["report", "."],
        ["show", "."],
        ["plot", "."],
        ["ffd", "1", "--results", "."],
    ),
    *(["status", "--output", "."], ["verify", "--output", "."], ["verify", "--output", "gone"]),
    *(["verify", "--dry-run", "--output", "."], ["history", "1_1", "--output", "."]),
    *(["retry", "--all", "--output", "."], ["grant", "somebody", "--output", "."]),
    *(["level2", name] for name in ("list", "status", "qualify", "publish", "inbox", "preprocess")),
    *(["level2", name] for name in ("run", "scan", "serve")),
    *(["level2", name, "x"] for name in ("show", "history", "retry", "reopen", "release")),
    ["level2", "reserve", "x", "--by", "Ada"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_campaign_is_one_line_and_nothing_is_made(call, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*command)
    assert (status, out, list(tmp_path.iterdir())) == (2, "", [])
    (line,) = err.splitlines()
    assert any(words in line for words in NOTHING), line


def test_a_campaign_that_has_begun_and_has_no_result_yet_has_an_empty_index(call, tmp_path):
    (tmp_path / "outbox").mkdir()
    status, out, _ = call("index", tmp_path)
    assert status == 0
    assert out.startswith("0 light curves")
