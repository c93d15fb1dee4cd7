"""Events on disk are the same events; those of a lost ledger become no other job's."""

import logging

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.client.job_writer import JobWriter
from cvzmpi.ledger.client.outbox import Outbox, Undelivered, count_undelivered, set_aside_lost
from cvzmpi.ledger.client.rules import Evidence, JobRules
from tests.ledger.way import bring_to

EVIDENCE = Evidence(progress=lambda unit: 0, was_begun=lambda unit: False)


def test_what_is_kept_is_read_again_to_the_last_bit(tmp_path, ledger, job):
    outbox = Outbox(tmp_path / "outbox", job)
    assert outbox.read() == []
    events = [
        Event(
            "a", State.WORKING, State.PREPROCESSED, rank=3, host="n1", progress=0, attempts_used=2
        ),
        Event("a", State.ERROR, message="é\n", detail={"x": [1.5, None], "path": "p"}),
        Event("b", State.PREPROCESSED, instead_of=4),
    ]
    outbox.append(events[:1])
    outbox.append([])
    outbox.append(events[1:])
    assert outbox.read() == events
    assert '"charged": 2' in outbox.path.read_text(), "as every version calls attempts used"
    outbox.clear()
    outbox.clear()
    assert outbox.read() == []
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_line_that_was_cut_by_a_kill_is_left_out(tmp_path, ledger, job):
    outbox = Outbox(tmp_path, job)
    events = [Event("a", State.WORKING), Event("a", State.DONE)]
    outbox.append(events)
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-20])
    assert outbox.read() == events[:1]


def test_lines_that_are_no_events_are_left_out(tmp_path, ledger, job):
    outbox = Outbox(tmp_path, job)
    event = Event("a", State.WORKING)
    outbox.append([event])
    (file,) = tmp_path.glob("*.jsonl")
    odd = [b"[]", b"7", b"{}", b'{"at": 1, "key": 2}', b"\xff\xfe", b"[" * 100_000]
    odd.append(file.read_bytes().strip().replace(b'"working"', b'"nonsense"'))
    file.write_bytes(b"\n".join([*odd, file.read_bytes()]))
    assert outbox.read() == [event]
    assert count_undelivered(tmp_path) == len(odd) + 1


def test_what_is_kept_can_be_recorded(tmp_path, ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    outbox = Outbox(tmp_path, job)
    outbox.append([Event("a", State.WORKING, detail={"x": 1})])
    for _ in range(2):
        ledger.record(outbox.read(), job)
    assert [event.to_state for event in ledger.history("a")][2:] == [
        State.PREPROCESSED,
        State.WORKING,
    ]


def test_a_part_that_is_delivered_leaves_the_rest_in_the_outbox(tmp_path, ledger, job):
    outbox = Outbox(tmp_path, job)
    waiting = Undelivered(outbox)
    events = [Event(name, State.WORKING) for name in "abcd"]
    waiting.add(events[:3])
    waiting.keep()
    waiting.delivered(events[:2], events[:2])
    assert waiting.first(9) == events[2:3]
    waiting.add(events[3:])
    waiting.keep()
    assert outbox.read()[-2:] == events[2:], "what was delivered may be there as well"
    waiting.delivered(events[2:], events[2:])
    assert outbox.read() == []
    assert len(waiting) == 0


def test_what_comes_too_late_is_kept_for_good(tmp_path, ledger, job):
    waiting = Undelivered(Outbox(tmp_path / "outbox", job))
    events = [Event(name, State.WORKING) for name in "ab"]
    waiting.add(events)
    waiting.delivered(events, events[:1])
    (refused,) = (tmp_path / "outbox").iterdir()
    assert str(events[1].key) in refused.read_text()
    assert len(refused.read_text().splitlines()) == 1


# ----------------------------------------------------------------- of a lost ledger


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
