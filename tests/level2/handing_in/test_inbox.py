"""One ready event in the inbox stops no other, whatever becomes of it."""

import json
import logging

import pytest

from cvzmpi.errors import LedgerUnavailableError, MachineError, UnavailableError
from cvzmpi.level2.handing_in import inbox as module
from cvzmpi.level2.handing_in.inbox import empty_inbox
from tests.level2.invertible_programs import make_invertible


@pytest.fixture
def inbox(tmp_path, catalogue, job):
    """An inbox with three ready events, of the programs a, b and c."""
    directory = tmp_path / "inbox"
    directory.mkdir()
    make_invertible(catalogue, job, "a", "b", "c")
    for program in "abc":
        content = {"program": program, "files": ["/nowhere"], "commit": "abc123"}
        (directory / f"{program}.json").write_text(json.dumps(content))
    return directory


@pytest.fixture
def fail_at_b(monkeypatch):
    """Let the check of b's files raise an error."""
    hand_in = module.hand_in

    def fail(error):
        def failing(catalogue, job, ready, settings):
            if ready.program == "b":
                raise error
            return hand_in(catalogue, job, ready, settings)

        monkeypatch.setattr(module, "hand_in", failing)

    return fail


def test_an_unforeseen_error_rejects_its_file_and_the_others_get_their_turn(
    catalogue, job, inbox, fail_at_b, caplog
):
    fail_at_b(IndexError("list index out of range"))
    with caplog.at_level(logging.ERROR):
        dropped = empty_inbox(catalogue, job, inbox)
    assert [one.file for one in dropped] == ["a.json", "b.json", "c.json"]
    assert dropped[1].text.startswith("b.json: IndexError: list index out of range [")
    assert (inbox / "rejected" / "b.error.txt").read_text() == f"{dropped[1].text}\n"
    assert [record.exc_info[0] for record in caplog.records] == [IndexError]


def test_what_cannot_be_answered_now_stays_for_later(catalogue, job, inbox, fail_at_b):
    fail_at_b(UnavailableError("the repository does not answer"))
    _, later, _ = empty_inbox(catalogue, job, inbox)
    assert str(later) == "b.json: the repository does not answer; later again"
    assert sorted(path.name for path in inbox.glob("*.json")) == ["b.json"]


@pytest.mark.parametrize("kind", [LedgerUnavailableError, MachineError])
def test_no_file_is_rejected_for_what_is_not_its_fault(catalogue, job, inbox, fail_at_b, kind):
    fail_at_b(kind("as it is"))
    with pytest.raises(kind, match="as it is"):
        empty_inbox(catalogue, job, inbox)
    assert sorted(path.name for path in inbox.glob("*.json")) == ["b.json", "c.json"]
