"""How a command ends on all ranks."""

import click
import pytest

from cvzmpi.errors import LaunchError
from cvzmpi.runtime import all_ranks
from cvzmpi.runtime.all_ranks import USAGE, status_after


@pytest.fixture
def waits(monkeypatch):
    """The waits of this rank, which are not waited."""
    seconds = []
    monkeypatch.setattr(all_ranks.time, "sleep", seconds.append)
    return seconds


@pytest.mark.parametrize(
    ("error", "speaker"),
    [(click.UsageError("no such option: --inptu"), 0), (LaunchError("too few ranks", 2), 2)],
)
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_rank_that_speaks_is_waited_for_by_the_others(
    error, speaker, rank, waits, monkeypatch, capsys
):
    """A launcher ends all ranks as soon as one has failed: its line would be lost."""
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", str(rank))
    assert status_after(error) == USAGE
    speaks = rank == speaker
    assert bool(capsys.readouterr().err) == speaks
    assert bool(waits) != speaks
