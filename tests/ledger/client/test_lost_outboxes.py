"""Outboxes of a ledger that is lost do not wait for ever, nor become another job's."""

import logging

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.client.job_writer import JobRules, JobWriter
from cvzmpi.ledger.client.lost_outboxes import set_aside_lost
from cvzmpi.ledger.client.outbox import Outbox, count_undelivered
from cvzmpi.ledger.client.takeover import Evidence
from tests.ledger.way import bring_to

EVIDENCE = Evidence(progress=lambda unit: 0, was_begun=lambda unit: False)


def leave(directory, number, text="{}\n"):
    directory.mkdir(exist_ok=True)
    path = directory / f"{number}.jsonl"
    path.write_text(text)
    return path


def test_what_no_job_of_this_ledger_wrote_is_set_aside_and_said_once(ledger, job, tmp_path, caplog):
    outboxes = tmp_path / "outbox"
    later, own = leave(outboxes, 700, "{}\n{}\n"), leave(outboxes, job.id)
    for _ in range(2):
        aside = set_aside_lost(outboxes, job, ledger.jobs.all)
        assert not later.exists()
        assert not own.exists()
    assert aside == []
    assert count_undelivered(outboxes) == 0
    assert len(list(outboxes.iterdir())) == 2, "nothing is thrown away"
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert f"{later}: 2 events of a job of another ledger" in caplog.text


def test_what_another_job_of_this_ledger_wrote_is_left_for_it(ledger, job, tmp_path):
    with ledger.job("run") as other:
        Outbox(tmp_path, other).append([Event("a", State.WORKING)])
    assert set_aside_lost(tmp_path, job, ledger.jobs.all) == []
    assert count_undelivered(tmp_path) == 1


def test_names_that_are_taken_stay(ledger, job, tmp_path):
    for _ in range(3):
        leave(tmp_path / "outbox", 700)
        set_aside_lost(tmp_path / "outbox", job, ledger.jobs.all)
    assert len(list((tmp_path / "outbox").iterdir())) == 3


def test_a_job_writer_does_not_deliver_events_of_a_lost_ledger_as_its_own(ledger, tmp_path):
    """The lost ledger had a job with the number that this one gets."""
    outboxes = tmp_path / "outbox"
    with ledger.job("scan") as scan:
        bring_to(ledger, scan, State.PREPROCESSED, "a")
    job = ledger.jobs.begin("run")
    Outbox(outboxes, job).append([Event("a", State.WORKING), Event("a", State.DONE)])
    writer = JobWriter(ledger, job, outboxes, JobRules(), EVIDENCE)
    writer.start(wanted=0)
    writer.close("done", patience=0)
    assert count_undelivered(outboxes) == 0
    assert list(outboxes.glob("*.of-a-lost-ledger.refused.jsonl"))
