"""The commit of the inversion code is looked for in its repository, where one is configured."""

import pytest

from cvzmpi.ledger import State
from cvzmpi.level2.handing_in.commit import RepositoryUnavailableError, check_commit
from cvzmpi.level2.handing_in.hand_in import HandInSettings, hand_in
from cvzmpi.level2.handing_in.inbox import empty_inbox
from cvzmpi.level2.handing_in.ready_event import HandInError, ReadyEvent
from tests.level2.handing_in.code_repository import CodeRepository, serving
from tests.level2.invertible_programs import make_invertible


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "code").mkdir()
    with serving(CodeRepository(tmp_path / "code")) as repository:
        yield repository


def test_a_commit_that_is_there_passes_also_when_shortened(repository):
    first, second = repository.commit(), repository.commit("faster")
    for commit in (first, second, second[:7], second.upper()):
        check_commit(repository.url, commit)
        check_commit(f"{repository.url}/", commit)
    assert repository.asked[0] == f"/code/commit/{first}"


@pytest.mark.parametrize("commit", ["0123456789abcdef0123456789abcdef01234567", "abcdef0"])
def test_a_commit_that_is_not_there_is_one_line(repository, commit):
    repository.commit()
    with pytest.raises(HandInError) as error:
        check_commit(repository.url, commit)
    assert str(error.value) == f"commit {commit}: not in {repository.url}"
    assert not isinstance(error.value, RepositoryUnavailableError)


@pytest.mark.parametrize("commit", ["abc123", "v1.2.3", "HEAD", "main", "..", "a" * 65, "abcdefg"])
def test_what_is_no_hash_is_not_asked_for(repository, commit):
    with pytest.raises(HandInError, match="expected 7 to 64 hexadecimal digits"):
        check_commit(repository.url, commit)
    assert repository.asked == []


def test_without_a_repository_any_version_passes():
    check_commit("", "v1.2.3")


@pytest.mark.parametrize("status", [401, 403, 410, 429, 500, 503])
def test_any_other_answer_is_no_answer(repository, status):
    commit = repository.commit()
    repository.answer = status
    with pytest.raises(RepositoryUnavailableError, match=f"expected status 200 or 404.*{status}"):
        check_commit(repository.url, commit)


def test_a_page_to_sign_in_is_no_answer(repository):
    commit = repository.commit()
    repository.moved_to, repository.answer = "/sign_in", 200
    with pytest.raises(RepositoryUnavailableError, match="leads to another page"):
        check_commit(repository.url, commit)


def test_a_repository_that_moved_is_followed(repository):
    commit = repository.commit()
    repository.moved_to = f"/code/commit/{commit}"
    check_commit(repository.url.replace("/code", "/earlier"), commit)


def test_no_answer_is_one_line():
    with pytest.raises(RepositoryUnavailableError, match="no answer: ") as error:
        check_commit("http://127.0.0.1:9/code", "abcdef0")
    assert "\n" not in str(error.value)


# ----------------------------------------------------------------- handing in


@pytest.fixture
def catalogue(catalogue, job):
    make_invertible(catalogue, job, "op")
    return catalogue


def ready(commit):
    return ReadyEvent(program="op", files=["/gone/inv.ABC123"], commit=commit)


def test_nothing_changes_state_for_a_commit_that_is_not_there_or_not_known_now(
    catalogue, job, repository
):
    commit = repository.commit()
    settings = HandInSettings(repository=repository.url)
    with pytest.raises(HandInError, match="not in"):
        hand_in(catalogue, job, ready("abcdef0"), settings)
    repository.answer = 503
    with pytest.raises(RepositoryUnavailableError):
        hand_in(catalogue, job, ready(commit), settings)
    assert catalogue.states()["op"] is State.QUALIFIED
    repository.answer = None
    with pytest.raises(HandInError):
        hand_in(catalogue, job, ready("main"), settings)
    assert len(catalogue.ledger.history("op")) == 2


def test_a_ready_event_waits_in_the_inbox_for_the_repository(catalogue, job, repository, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    commit = repository.commit()
    for name, hash in (("a", commit), ("b", "abcdef0")):
        (inbox / f"{name}.json").write_text(ready(hash).model_dump_json())
    settings = HandInSettings(repository=repository.url)
    repository.answer = 503
    waits = empty_inbox(catalogue, job, inbox, settings)
    assert [one.accepted for one in waits] == [False, False]
    for one in waits:
        assert one.text.startswith(f"{repository.url}: expected status 200 or 404")
        assert one.text.endswith("; later again")
    assert sorted(path.name for path in inbox.glob("*.json")) == ["a.json", "b.json"]

    repository.answer = None
    bad_files, bad_commit = empty_inbox(catalogue, job, inbox, settings)
    assert "there is no such file" in bad_files.text
    assert bad_commit.text == f"commit abcdef0: not in {repository.url}"
    assert [path.name for path in inbox.glob("*.json")] == []
