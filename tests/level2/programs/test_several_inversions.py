"""Several inversions of a program: its state, what is published, and what is still to be."""

import pytest

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, State
from cvzmpi.level2.handing_in import hand_in as handing_in
from cvzmpi.level2.handing_in.checked_result import CheckedResult
from cvzmpi.level2.handing_in.hand_in import HandInError, hand_in
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.inversion.program_work import keep_inversions
from cvzmpi.level2.programs.remarks import RemarkError, withdraw
from cvzmpi.level2.programs.retry import failure_event, reopen, retry
from tests.level2.invertible_programs import make_invertible


class Story:
    """What happens to a program, in steps of some words.

    Inversions are named by letters. `hand A` hands in a result of the science team, `run AB` is a
    job that inverts two maps; `publish A` and `fail A` are the outcomes of a publication.
    """

    def __init__(self, catalogue, job, monkeypatch):
        self.catalogue, self.job = catalogue, job
        make_invertible(catalogue, job, "op")
        catalogue.ledger.follow(keep_inversions)
        monkeypatch.setattr(handing_in, "check_result", self._checked)

    def tell(self, steps):
        for step in steps.split(", "):
            what, _, letters = step.partition(" ")
            getattr(self, what)(*letters)

    @property
    def now(self):
        to_publish = [made.inversion_id for made in self.catalogue.to_publish("op")]
        return (
            self.catalogue.states()["op"].value,
            "".join(map(letter, to_publish)),
            "".join(sorted(map(letter, self.catalogue.published("op")))),
        )

    def hand(self, name):
        hand_in(self.catalogue, self.job, ReadyEvent(program="op", files=[name], commit="abc"))

    def _checked(self, catalogue, ready, level1):
        name = ready.files[0].name
        checksums = {f"/data/{name}.asdf": name, f"/data/{name}.fits": name}
        detail = {"kind": "product", "checksums": checksums, **ready.as_json()}
        return CheckedResult(an_id(name), ["FeI630"], checksums, detail)

    def run(self, *names):
        self.work()
        files = dict.fromkeys(("level1", "prepared", "inverted"), "file")
        made = [{"inversion_id": an_id(name), **files} for name in names]
        self.record(Event("op", State.DONE, detail={"step": "invert", "inversions": made}))

    def work(self):
        self.record(Event("op", State.PREPROCESSED), Event("op", State.WORKING))

    def break_off(self):
        self.record(failure_event("op", State.WORKING, "invert", "the map is damaged"))

    def publish(self, *names):
        self.record(
            *(Event("op", State.PUBLISHED, detail={"inversion_id": an_id(name)}) for name in names)
        )

    def fail(self, name):
        failure = failure_event("op", State.DONE, "publish", "refused", inversion_id=an_id(name))
        self.record(failure)

    def retry(self):
        retry(self.catalogue, self.job, "op")

    def reopen(self):
        reopen(self.catalogue, self.job, "op")

    def qualify(self):
        self.record(Event("op", State.QUALIFIED))

    def reject(self):
        self.record(Event("op", State.NOT_QUALIFIED))

    def withdraw(self, name):
        withdraw(self.catalogue, self.job, an_id(name), "Jane", "the velocities are wrong")

    def record(self, *events):
        self.catalogue.ledger.record(events, self.job)


def an_id(name):
    return f"inv.AAAAA{name}"


def letter(inversion_id):
    return inversion_id[-1]


@pytest.fixture
def story(catalogue, job, monkeypatch):
    return Story(catalogue, job, monkeypatch)


# What happens, and then: the state of the program, what is to be published, and what is.
STORIES = [
    # one inversion
    ("hand A", "done", "A", ""),
    ("hand A, publish A", "published", "", "A"),
    ("hand A, fail A", "error", "A", ""),
    ("hand A, fail A, retry", "done", "A", ""),
    ("hand A, reopen", "discovered", "", ""),
    ("hand A, fail A, reopen", "discovered", "", ""),
    # the same files again
    ("hand A, hand A", "done", "A", ""),
    ("hand A, publish A, hand A", "published", "", "A"),
    ("hand A, fail A, hand A", "error", "A", ""),
    ("hand A, reopen, qualify, hand A", "done", "A", ""),
    # a second one
    ("hand A, hand B", "done", "AB", ""),
    ("hand A, hand B, publish AB", "published", "", "AB"),
    ("hand A, publish A, hand B", "done", "B", "A"),
    ("hand A, publish A, hand B, publish B", "published", "", "AB"),
    ("hand A, publish A, hand B, hand C, fail B", "error", "BC", "A"),
    ("hand A, fail A, hand B", "done", "AB", ""),
    # its publication fails
    ("hand A, publish A, hand B, fail B", "error", "B", "A"),
    ("hand A, publish A, hand B, fail B, retry", "done", "B", "A"),
    ("hand A, publish A, hand B, fail B, retry, publish B", "published", "", "AB"),
    ("hand A, publish A, hand B, fail B, hand C", "done", "BC", "A"),
    ("hand A, publish A, hand B, fail B, reopen", "discovered", "", "A"),
    # the program is reopened between the two
    ("hand A, publish A, reopen", "discovered", "", "A"),
    ("hand A, publish A, reopen, qualify, hand B", "done", "B", "A"),
    ("hand A, publish A, reopen, qualify, hand B, fail B", "error", "B", "A"),
    ("hand A, publish A, reopen, reject", "not_qualified", "", "A"),
    ("hand A, reopen, qualify, hand B", "done", "B", ""),
    ("hand A, reopen, qualify, hand B, publish B", "published", "", "B"),
    ("hand A, reopen, qualify, hand B, hand A", "done", "AB", ""),
    # withdrawn before it is published
    ("hand A, withdraw A", "done", "", ""),
    ("hand A, withdraw A, hand B", "done", "B", ""),
    ("hand A, withdraw A, reopen", "discovered", "", ""),
    ("hand A, hand B, withdraw A", "done", "B", ""),
    ("hand A, hand B, withdraw A, withdraw B", "done", "", ""),
    ("hand A, publish A, hand B, withdraw B", "published", "", "A"),
    ("hand A, publish A, hand B, hand C, withdraw B", "done", "C", "A"),
    ("hand A, publish A, reopen, qualify, hand B, withdraw B", "published", "", "A"),
    ("hand A, reopen, withdraw A", "discovered", "", ""),
    ("hand A, reopen, qualify, withdraw A", "qualified", "", ""),
    ("hand A, reopen, reject, withdraw A", "not_qualified", "", ""),
    # withdrawn when it is published
    ("hand A, publish A, withdraw A", "published", "", "A"),
    ("hand A, publish A, hand B, withdraw A", "done", "B", "A"),
    ("hand A, publish A, withdraw A, hand B, publish B", "published", "", "AB"),
    ("hand A, publish A, reopen, withdraw A", "discovered", "", "A"),
    # withdrawn in error
    ("hand A, fail A, withdraw A", "done", "", ""),
    ("hand A, fail A, withdraw A, hand B, publish B", "published", "", "B"),
    ("hand A, hand B, fail A, withdraw A", "done", "B", ""),
    ("hand A, hand B, fail A, withdraw B", "error", "A", ""),
    ("hand A, hand B, fail A, withdraw B, retry", "done", "A", ""),
    ("hand A, publish A, hand B, fail B, withdraw B", "published", "", "A"),
    ("hand A, publish A, hand B, fail B, withdraw A", "error", "B", "A"),
    ("hand A, publish A, hand B, fail B, withdraw A, retry", "done", "B", "A"),
    ("hand A, publish A, hand B, fail B, withdraw A, reopen", "discovered", "", "A"),
    ("hand A, publish A, hand B, fail B, withdraw A, hand C", "done", "BC", "A"),
    ("hand A, publish A, reopen, qualify, work, break_off, withdraw A", "error", "", "A"),
    # inverted here, with an inversion for each map
    ("run AB", "done", "AB", ""),
    ("run AB, publish AB", "published", "", "AB"),
    ("run AB, fail B, retry", "done", "AB", ""),
    ("run AB, fail B, withdraw B", "done", "A", ""),
    ("run AB, withdraw A, publish B", "published", "", "B"),
    ("run AB, hand C", "done", "ABC", ""),
    ("run AB, publish AB, hand C, fail C, withdraw C", "published", "", "AB"),
    ("hand A, publish A, reopen, qualify, run BC", "done", "BC", "A"),
    ("hand A, reopen, qualify, run BC", "done", "BC", ""),
    ("run AB, reopen, qualify, run CD, publish CD", "published", "", "CD"),
    ("work, break_off", "error", "", ""),
    ("work, break_off, retry", "preprocessed", "", ""),
    ("work, break_off, hand A", "done", "A", ""),
]


@pytest.mark.parametrize(("steps", *("state", "to_publish", "published")), STORIES)
def test_every_way_of_two_inversions_leads_to_one_state(story, steps, state, to_publish, published):
    story.tell(steps)
    assert story.now == (state, to_publish, published)


REFUSED = [
    # withdrawn, and handed in again
    ("hand A, withdraw A", "hand A", "op: these files are inv.AAAAAA, withdrawn by Jane"),
    ("hand A, publish A, withdraw A", "hand A", "these files are inv.AAAAAA, withdrawn by Jane"),
    ("hand A, withdraw A", "withdraw A", "inv.AAAAAA: withdrawn by Jane"),
    # published, reopened, and handed in again
    ("hand A, publish A, reopen, qualify", "hand A", "these files are inv.AAAAAA, published at"),
    # where there can be no result now
    ("hand A, reopen", "hand B", "op: is Waiting, not Invertible, Inverted or Published"),
    ("hand A, reopen, reject", "hand B", "op: is Not Invertible, not Invertible, Inverted or"),
    ("work", "hand A", "op: is Inverting, not Invertible, Inverted or Published"),
    # a job has the program
    (
        "hand A, reopen, qualify, work",
        "withdraw A",
        "inv.AAAAAA: op is Inverting; withdraw it when",
    ),
    ("hand A", "withdraw B", "inv.AAAAAB: no such inversion; did you mean 'inv.AAAAAA'"),
]


@pytest.mark.parametrize(("before", "step", "message"), REFUSED)
def test_what_cannot_be_is_one_line_and_changes_nothing(story, before, step, message):
    story.tell(before)
    now, events = story.now, story.catalogue.ledger.history("op")
    known = story.catalogue.inversion_views("op")
    with pytest.raises((HandInError, RemarkError), match=message) as error:
        story.tell(step)
    assert "\n" not in str(error.value)
    assert (story.now, story.catalogue.ledger.history("op")) == (now, events)
    assert story.catalogue.inversion_views("op") == known


def test_no_event_leads_from_error_to_error(story):
    story.tell("hand A, fail A")
    with pytest.raises(LedgerError):
        story.fail("A")


def test_a_withdrawal_in_error_repeats_the_error_after_it(story):
    story.tell("hand A, publish A, hand B, fail B, withdraw A")
    failed, withdrawn, again = story.catalogue.ledger.history("op")[-3:]
    assert (withdrawn.from_state, withdrawn.to_state) == (State.ERROR, State.DONE)
    assert withdrawn.message == "inv.AAAAAA withdrawn by Jane: the velocities are wrong"
    assert withdrawn.detail == {"step": "withdraw", "withdrawn": "inv.AAAAAA", "by": "Jane"}
    assert (again.message, again.detail) == (failed.message, failed.detail)
    assert again.from_state is failed.from_state is State.DONE


def test_a_reopening_says_what_it_leaves_behind(story):
    story.tell("run AB, publish A, hand C, reopen")
    message = story.catalogue.ledger.history("op")[-1].message
    assert message == "reopened; left behind, not published: inv.AAAAAB, inv.AAAAAC"
