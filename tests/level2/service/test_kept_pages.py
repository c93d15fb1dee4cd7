"""Lists that are made once for all readers, as long as nothing changes."""

import threading

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.service import program_pages
from tests.level2.example_rows import OP, row
from tests.level2.service.forms import sign_in


@pytest.fixture
def made(monkeypatch):
    """The lists that were made."""
    made = []
    make = program_pages.list_items

    def counted(*arguments, **named):
        made.append(named)
        return make(*arguments, **named)

    monkeypatch.setattr(program_pages, "list_items", counted)
    return made


@pytest.mark.usefixtures("programs")
def test_a_list_is_made_once_for_many_who_ask_at_once(app, made):
    pages = []
    readers = [
        threading.Thread(target=lambda: pages.append(app.test_client().get("/").data))
        for _ in range(20)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(made) == 1
    assert len(pages) == 20
    assert len(set(pages)) == 1


@pytest.mark.usefixtures("programs")
def test_any_change_is_on_the_next_page(web, catalogue, job, rounds):
    changes = [
        lambda: catalogue.ledger.record([Event(OP, State.ERROR, message="no")], job),
        lambda: synchronise(catalogue, job, read_datasets([row(frameCount=7)])),
        rounds.go_round,
    ]
    for change in changes:
        before = web.get("/").data, web.get("/api/programs").data
        assert (web.get("/").data, web.get("/api/programs").data) == before
        change()
        assert web.get("/").data != before[0]


@pytest.mark.usefixtures("programs")
def test_who_is_signed_in_has_a_page_alone(app, web, made):
    sign_in(web)
    for _ in range(2):
        assert "Sign out" in web.get("/").text
    assert len(made) == 2
    assert "Sign out" not in app.test_client().get("/").text


@pytest.mark.usefixtures("programs")
def test_each_filter_has_its_own_list_and_few_are_kept(web, made):
    for n in range(40):
        assert web.get(f"/?text=second{n}").status_code == 200
    web.get("/?text=second39")
    assert len(made) == 40
    web.get("/?text=second0")
    assert len(made) == 41
