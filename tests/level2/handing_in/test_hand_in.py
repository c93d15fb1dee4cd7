"""The science team hands in results: what is checked, what is recorded, and what counts once."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest
import sqlalchemy as sa
from astropy.io import fits

from cvzmpi.ledger import State
from cvzmpi.level2.handing_in import hand_in as handing_in
from cvzmpi.level2.handing_in.hand_in import hand_in
from cvzmpi.level2.handing_in.inbox import InboxError, empty_inbox
from cvzmpi.level2.handing_in.ready_event import HandInError, ReadyEvent
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.isolation import StepFailedError
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.retry import RetryError, reopen, retry
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_product import INVERSION_ID
from tests.level2.example_rows import OP, calcium, row
from tests.level2.invertible_programs import NOW
from tests.level2.product.changed_product import change_asdf, first_fits, rename


@pytest.fixture
def catalogue(catalogue, job, example):
    """One that knows an invertible program, to which the example belongs."""
    other = row("OTHER", observingProgramExecutionId="other")
    synchronise(catalogue, job, read_datasets([example.row(), calcium(), other]))
    qualify(catalogue, job, Thresholds(), 7, NOW, only=[OP])
    assert catalogue.states()[OP] is State.QUALIFIED
    return catalogue


def ready(*files, program=OP, commit="abc123"):
    return ReadyEvent(program=program, files=list(files), commit=commit)


def states(catalogue):
    return [event.to_state.value for event in catalogue.ledger.history(OP)]


# ----------------------------------------------------------------- accepted


def test_a_product_that_passes_makes_the_program_inverted(catalogue, job, product):
    inversion = hand_in(catalogue, job, ready(product))
    assert (inversion.inversion_id, inversion.method) == (INVERSION_ID, "science team")
    assert catalogue.inversions() == [inversion]
    event = catalogue.ledger.history(OP)[-1]
    assert (event.from_state, event.to_state) == (State.QUALIFIED, State.DONE)
    assert event.message == "inverted by the science team, FeI630, commit abc123"
    assert event.detail["checksums"] == check_product([product]).checksums
    assert event.detail["shape"] == [3, 8]


def test_with_it_the_reservation_ends(catalogue, job, product):
    reserve(catalogue, job, OP, "Jane")
    hand_in(catalogue, job, ready(product))
    assert catalogue.reservations() == {}


def test_the_same_product_twice_counts_once(catalogue, job, product):
    first = hand_in(catalogue, job, ready(product))
    assert hand_in(catalogue, job, ready(product)) == first
    assert states(catalogue).count("done") == 1
    assert len(catalogue.inversions()) == 1


def test_the_same_files_in_another_place_are_the_same(catalogue, job, product, tmp_path):
    first = hand_in(catalogue, job, ready(product))
    other = shutil.copytree(product, tmp_path / "other")
    assert hand_in(catalogue, job, ready(other)) == first
    assert states(catalogue).count("done") == 1


def test_another_product_is_another_inversion(catalogue, job, product, tmp_path):
    first = hand_in(catalogue, job, ready(product))
    other = shutil.copytree(product, tmp_path / "other")
    change_asdf(other, lambda i: i.meta["inventory"].update(inversionId="inv.ZZZZZZ"))
    second = hand_in(catalogue, job, ready(other))
    assert second.inversion_id == "inv.ZZZZZZ"
    assert catalogue.to_publish(OP) == [first, second]
    assert states(catalogue)[-2:] == ["done", "done"]


def test_a_product_with_the_id_of_another_result_is_refused(catalogue, job, product, tmp_path):
    hand_in(catalogue, job, ready(product))
    other = shutil.copytree(product, tmp_path / "other")
    change_asdf(other, lambda i: i.meta["inventory"].update(changed="since"))
    with pytest.raises(HandInError, match=f"{INVERSION_ID} is the id of another result"):
        hand_in(catalogue, job, ready(other))
    assert len(catalogue.inversions()) == 1


def test_a_further_product_that_is_bad_leaves_the_program_inverted(
    catalogue, job, product, tmp_path
):
    hand_in(catalogue, job, ready(product))
    other = shutil.copytree(product, tmp_path / "other")
    shorten(other)
    with pytest.raises(ProductError, match="has shape"):
        hand_in(catalogue, job, ready(other))
    assert states(catalogue)[-1] == "done"


def test_a_check_that_fails_unforeseen_is_one_line_of_the_history(
    catalogue, job, product, monkeypatch, caplog
):
    def defective(*arguments):
        raise KeyError("defective")

    monkeypatch.setattr(handing_in, "check_result", defective)
    with pytest.raises(StepFailedError, match="KeyError"):
        hand_in(catalogue, job, ready(product))
    assert states(catalogue)[-1] == "error"
    assert "Traceback" in caplog.text


# ----------------------------------------------------------------- refused


def remove_file(product):
    first_fits(product).unlink()


def shorten(product):
    with fits.open(first_fits(product), mode="update") as units:
        units[1].data = units[1].data[:, :-1]


def rename_line(product):
    change_asdf(product, lambda i: rename(i.profiles, "FeI630_fit", "MgI517_fit"))


def name_another_dataset(product):
    change_asdf(product, lambda i: i.meta["inventory"].update(datasetIds=["OTHER"]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_file, "missing"),
        (shorten, "has shape"),
        (rename_line, "profile 'MgI517_fit' is not known"),
        (name_another_dataset, f"OTHER is no dataset of {OP}"),
    ],
)
def test_a_bad_product_is_an_error_and_a_retry_succeeds(
    catalogue, job, example, product, damage, message
):
    damage(product)
    with pytest.raises(ProductError, match=message):
        hand_in(catalogue, job, ready(product))
    event = catalogue.ledger.history(OP)[-1]
    assert event.to_state is State.ERROR
    assert event.message.startswith("inverted: ")
    assert message in event.message
    assert event.detail["step"] == "inverted"
    assert catalogue.inversions() == []

    shutil.rmtree(product)
    shutil.copytree(example.product, product)
    assert retry(catalogue, job, OP) is State.QUALIFIED
    hand_in(catalogue, job, ready(product))
    assert states(catalogue) == ["discovered", "qualified", "error", "qualified", "done"]


def test_handing_in_again_is_a_retry_by_itself(catalogue, job, example, product):
    remove_file(product)
    for _ in range(2):
        with pytest.raises(ProductError):
            hand_in(catalogue, job, ready(product))
    hand_in(catalogue, job, ready(example.product))
    assert states(catalogue)[2:] == ["error", "qualified", "error", "qualified", "done"]


def test_nothing_is_accepted_for_what_is_not_invertible(catalogue, job, product):
    with pytest.raises(HandInError, match="other: is Waiting, not Invertible"):
        hand_in(catalogue, job, ready(product, program="other"))
    assert catalogue.states()["other"] is State.DISCOVERED
    with pytest.raises(HandInError, match="nothing: no such Observing Program"):
        hand_in(catalogue, job, ready(product, program="nothing"))


def test_only_what_is_in_error_can_be_retried(catalogue, job):
    with pytest.raises(RetryError, match="is Invertible, not in error"):
        retry(catalogue, job, OP)
    with pytest.raises(RetryError, match="not inverted"):
        reopen(catalogue, job, OP)


def test_the_database_refuses_to_change_an_inversion(catalogue, job, product):
    hand_in(catalogue, job, ready(product))
    for change in ("UPDATE level2_inversions SET program = 'x'", "DELETE FROM level2_claims"):
        with (
            pytest.raises(sa.exc.DBAPIError, match="never"),
            catalogue.ledger.database.engine.begin() as connection,
        ):
            connection.exec_driver_sql(change)


HAND_IN = """
import sys
from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.handing_in.hand_in import hand_in
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
with Ledger.open(sys.argv[1]) as ledger, ledger.job("inverted") as job:
    catalogue = Catalogue(ledger)
    print("ready", flush=True)
    sys.stdin.readline()
    event = ReadyEvent(program=sys.argv[2], files=[sys.argv[3]], commit="abc123")
    print(hand_in(catalogue, job, event).inversion_id)
"""


def test_two_at_once_count_once(catalogue, location, product):
    team = [
        subprocess.Popen(
            [sys.executable, "-c", HAND_IN, location, OP, str(product)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in team:
        assert process.stdout.readline() == "ready\n"
    answers = {process.communicate("\n", timeout=60)[0].strip() for process in team}
    (inversion,) = catalogue.inversions()
    assert answers == {INVERSION_ID} == {inversion.inversion_id}
    assert states(catalogue) == ["discovered", "qualified", "done"]


# ----------------------------------------------------------------- the inbox


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def drop(inbox, name, **content):
    (inbox / name).write_text(json.dumps(content))


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_in_the_inbox_is_a_ready_event(catalogue, job, inbox, product):
    drop(inbox, "ready.json", program=OP, files=[f"../{product.name}"], commit="abc123")
    (dropped,) = empty_inbox(catalogue, job, inbox)
    assert dropped.accepted
    assert str(dropped) == f"ready.json: {OP} inverted, {INVERSION_ID}"
    assert (names(inbox), names(inbox / "accepted")) == (["accepted"], ["ready.json"])
    assert empty_inbox(catalogue, job, inbox) == []


def test_a_file_dropped_twice_counts_once(catalogue, job, inbox, product):
    for _ in range(2):
        drop(inbox, "ready.json", program=OP, files=[str(product)], commit="abc123")
        assert empty_inbox(catalogue, job, inbox)[0].accepted
    assert names(inbox / "accepted") == ["ready.2.json", "ready.json"]
    assert states(catalogue) == ["discovered", "qualified", "done"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"program": OP, "files": [], "commit": "abc"}, "files: List should have at least 1 item"),
        ({"program": OP, "files": ["x.h5"]}, "commit: Field required"),
        ({"program": OP, "files": ["x.h5"], "commit": "abc", "extra": 1}, "extra: Extra inputs"),
        ({"program": "nothing", "files": ["x.h5"], "commit": "abc"}, "no such Observing Program"),
        ({"program": OP, "files": ["x.h5"], "commit": "abc"}, "x.h5: there is no such file"),
    ],
)
def test_a_bad_file_is_put_aside_with_the_reason_and_the_next_is_read(
    catalogue, job, inbox, product, content, message
):
    drop(inbox, "a.json", **content)
    drop(inbox, "b.json", program=OP, files=[str(product)], commit="abc123")
    bad, good = empty_inbox(catalogue, job, inbox)
    assert (bad.accepted, good.accepted) == (False, True)
    assert message in bad.text
    assert names(inbox / "rejected") == ["a.error.txt", "a.json"]
    assert message in (inbox / "rejected" / "a.error.txt").read_text()


def test_a_file_that_is_still_being_written_is_left_alone(catalogue, job, inbox):
    (inbox / "ready.json").write_text('{"program": "x", "fi')
    assert empty_inbox(catalogue, job, inbox) == []
    assert names(inbox) == ["ready.json"]


def fill_with_what_is_no_ready_event(inbox):
    """Whatever somebody may leave there, under names that come before those of the others."""
    valid = json.dumps({"program": OP, "files": ["x"], "commit": "abc"})
    contents = {
        "nested": b"[" * 100_000 + b"]" * 100_000,
        "nested objects": b'{"a":' * 40_000,
        "not text": bytes(range(256)),
        "no number": b'{"program": NaN}',
        "infinite": b'{"program": -Infinity}',
        "digits": b'{"program": ' + b"9" * 10_000 + b"}",
        "twins": valid.replace("{", '{"program": "other", ', 1).encode(),
        "empty": b"",
        "nul": b'{"program": "\\u0000", "files": ["x"], "commit": "abc"}',
        "surrogate": b'{"program": "\\ud800", "files": ["x"], "commit": "abc"}',
        "path": b'{"program": "x", "files": ["a\\u0000b"], "commit": "abc"}',
        "long path": json.dumps({"program": OP, "files": ["x" * 5000], "commit": "abc"}).encode(),
        "many": json.dumps({"program": OP, "files": ["x"] * 20_000, "commit": "abc"}).encode(),
        "long name": valid.replace("abc", 'abc", "by": "' + "J" * 100_000).encode(),
        "lines": valid.replace("abc", "abc\\n").encode(),
        "list": b"[]",
        "utf-16": valid.encode("utf-16"),
    }
    for name, content in contents.items():
        (inbox / f"a {name}.json").write_bytes(content)
        os.utime(inbox / f"a {name}.json", (0, 0))
    os.mkfifo(inbox / "a fifo.json")
    (inbox / "a directory.json").mkdir()
    (inbox / "a dangling link.json").symlink_to("nowhere")
    (inbox / "a loop.json").symlink_to("a loop.json")
    (inbox / "a device.json").symlink_to("/dev/zero")
    (inbox / "two\nlines.json").write_text("{}")
    (inbox / os.fsdecode(b"a \xff.json")).write_text("{}")
    with (inbox / "a huge one.json").open("wb") as file:
        file.truncate(10**10)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(inbox / "a socket.json"))
    return len(contents) + 9


def test_whatever_lies_in_the_inbox_is_put_aside_and_the_others_get_their_turn(
    catalogue, job, inbox, product
):
    n = fill_with_what_is_no_ready_event(inbox)
    content = {"program": OP, "files": [str(product)], "commit": "abc123"}
    marked = "\ufeff" + json.dumps(content)
    (inbox / "z.json").write_text(marked, encoding="utf-8")
    *bad, good = empty_inbox(catalogue, job, inbox)
    assert good.accepted
    assert len(bad) == n
    for dropped in bad:
        assert not dropped.accepted
        assert str(dropped).isprintable()
        assert len(str(dropped)) < 1100
    assert names(inbox) == ["accepted", "rejected"]
    assert len(names(inbox / "rejected")) == 2 * n
    assert states(catalogue) == ["discovered", "qualified", "error", "qualified", "done"]


def test_an_inbox_where_nothing_can_be_moved_aside_is_said_before_anything_is_accepted(
    catalogue, job, inbox
):
    for folder in ("accepted", "rejected"):
        (inbox / folder).write_text("a file")
    drop(inbox, "a.json")
    drop(inbox, "b.json", program=OP, files=["x"], commit="abc123")
    with pytest.raises(InboxError, match="accepted: cannot be made"):
        empty_inbox(catalogue, job, inbox)
    (inbox / "b.json").unlink()
    (bad,) = empty_inbox(catalogue, job, inbox)
    assert "Field required; it cannot be moved aside: " in bad.text
    assert names(inbox) == ["a.json", "accepted", "rejected"]
    assert states(catalogue) == ["discovered", "qualified"]


def test_what_was_rejected_before_is_not_written_over(catalogue, job, inbox, tmp_path):
    (inbox / "rejected").mkdir()
    (tmp_path / "precious").write_text("mine")
    (inbox / "rejected" / "a.error.txt").symlink_to(tmp_path / "precious")
    (inbox / "rejected" / "a.2.json").symlink_to("nowhere")
    drop(inbox, "a.json")
    empty_inbox(catalogue, job, inbox)
    assert (tmp_path / "precious").read_text() == "mine"
    assert {"a.3.json", "a.3.error.txt"} <= set(names(inbox / "rejected"))
