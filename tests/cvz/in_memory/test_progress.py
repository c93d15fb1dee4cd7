"""The bar of a search in memory: it appears when it takes long, and where somebody looks."""

import io
import time
import warnings

import pytest
from rich.console import Console

from cvzmpi.cvz.in_memory import progress
from cvzmpi.cvz.light_curves.stage import Stage


@pytest.fixture
def shown(monkeypatch):
    """What is written to a terminal, or to a file."""
    text = io.StringIO()

    def make(is_terminal):
        console = Console(file=text, force_terminal=is_terminal, width=100)
        monkeypatch.setattr(progress, "Console", lambda **_: console)
        return text

    return make


def test_a_short_search_shows_nothing(shown):
    text = shown(True)
    with progress.SearchProgress(True, 40) as bar:
        bar.reached(Stage.MODEL)
        bar.flares_done(40)
    assert "injecting" not in text.getvalue()


def test_a_long_one_shows_what_it_does_and_how_far_it_is(shown, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    text = shown(True)
    with progress.SearchProgress(None, 40) as bar:
        _until(lambda: "searching with the networks" in text.getvalue())
        bar.reached(Stage.DETECT)
        _until(lambda: "fitting the quiet star" in text.getvalue())
        bar.reached(Stage.MODEL)
        bar.flares_done(20)
        _until(lambda: "injecting flares" in text.getvalue())


@pytest.mark.parametrize(("wanted", "is_terminal"), [(False, True), (None, False)])
def test_where_nobody_looks_there_is_no_bar(shown, monkeypatch, wanted, is_terminal):
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    text = shown(is_terminal)
    with progress.SearchProgress(wanted, 40) as bar:
        bar.reached(Stage.MODEL)
        time.sleep(0.3)
    assert text.getvalue() == ""


@pytest.mark.parametrize("wanted", [None, True])
def test_a_notebook_without_widgets_gets_neither_a_bar_nor_a_warning(shown, monkeypatch, wanted):
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    text = shown(False)
    progress.Console().is_jupyter = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress.SearchProgress(wanted, 40):
            time.sleep(0.3)
    assert text.getvalue() == ""


def test_an_error_ends_it(shown, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    text = shown(True)
    bar = progress.SearchProgress(True, 40)

    def interrupted():
        with bar:
            _until(lambda: "searching" in text.getvalue())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    length = len(text.getvalue())
    time.sleep(0.3)
    assert len(text.getvalue()) == length


def _until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
