"""Events on disk are the same events."""

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.client.outbox import Outbox, count_undelivered
from cvzmpi.ledger.client.undelivered import Undelivered
from tests.ledger.way import bring_to


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
    for event in events[:3]:
        waiting.add(event)
    waiting.keep()
    waiting.delivered(events[:2], events[:2])
    assert waiting.first(9) == events[2:3]
    waiting.add(events[3])
    waiting.keep()
    assert outbox.read()[-2:] == events[2:], "what was delivered may be there as well"
    waiting.delivered(events[2:], events[2:])
    assert outbox.read() == []
    assert len(waiting) == 0


def test_what_comes_too_late_is_kept_for_good(tmp_path, ledger, job):
    waiting = Undelivered(Outbox(tmp_path / "outbox", job))
    events = [Event(name, State.WORKING) for name in "ab"]
    for event in events:
        waiting.add(event)
    waiting.delivered(events, events[:1])
    (refused,) = (tmp_path / "outbox").iterdir()
    assert str(events[1].key) in refused.read_text()
    assert len(refused.read_text().splitlines()) == 1
