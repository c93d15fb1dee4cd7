"""The pages of programs, inversions, reservations and qualities; their JSON says the same."""

import html
import re

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.metadata_store.dataset import Experiment
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import OP, calcium, row
from tests.level2.invertible_programs import make_invertible
from tests.level2.service.forms import press, sign_in
from tests.level2.service.served import SECRET

BEARER = {"Authorization": f"Bearer {SECRET}"}
ID = "inv.ABCDEF"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def inverted(catalogue, job):
    """A program with a result of the science team that is to be published."""
    make_invertible(catalogue, job, OP)
    detail = {
        **{"kind": "desire", "files": ["inv_res_mod.fits"], "by": "Jane", "lines": ["FeI630"]},
        **{"commit": COMMIT, "dataset_ids": ["FE0", "CA0"]},
    }
    with catalogue.ledger.writing() as connection:
        add_inversion(connection, Inversion(ID, OP, "science team", detail, now()))
        event = Event(OP, State.DONE, detail={"inversion_id": ID})
        catalogue.ledger.record([event], job, within=connection)


def text_of(web, address):
    reply = web.get(address)
    assert reply.status_code == 200, address
    return html.unescape(reply.text)


# ----------------------------------------------------------------- pages


def test_programs_stand_below_their_proposal_and_experiment(web, catalogue, job):
    rows = [
        row(primaryExperimentId="eid_1_118"),
        row("OTHER", observingProgramExecutionId="p2", primaryProposalId="pid_2_2"),
    ]
    words = Experiment(experiment_id="eid_1_118", description="Sunspots <at> the limb.")
    synchronise(catalogue, job, read_datasets(rows), [words])
    page = web.get("/").text
    assert page.index("<h2>pid_2_2</h2>") < page.index("<h2>pid_1_118</h2>")
    assert "Sunspots &lt;at&gt; the limb." in page
    assert page.count('<details class="proposal" open>') == 2
    groups = web.get("/api/proposals").get_json()
    assert [group["proposal"] for group in groups] == ["pid_2_2", "pid_1_118"]
    assert groups[1]["experiments"][0]["description"] == "Sunspots <at> the limb."
    assert [group["proposal"] for group in web.get("/api/proposals?text=p2").get_json()] == [
        "pid_2_2"
    ]


def test_many_programs_are_closed_groups_at_first(web, catalogue, job):
    rows = [row(f"D{n}", observingProgramExecutionId=f"p{n}") for n in range(60)]
    synchronise(catalogue, job, read_datasets(rows))
    assert '<details class="proposal">' in web.get("/").text
    assert '<details class="proposal" open>' in web.get("/?text=p1").text


def test_of_very_many_programs_the_first_page_has_the_proposals(web, catalogue, job):
    rows = [
        row(f"D{n}", observingProgramExecutionId=f"p{n}", primaryProposalId=f"pid_{n % 9}_1")
        for n in range(600)
    ]
    synchronise(catalogue, job, read_datasets(rows))
    page = web.get("/").text
    assert len(page) < 20_000
    assert "600 programs" in page
    assert len(re.findall(r'href="/\?proposal=pid_\d_1"', page)) == 9
    assert web.get("/?proposal=pid_1_1").text.count("<tr>") > 60


@pytest.mark.usefixtures("programs")
def test_who_has_what(web):
    assert "Nobody has reserved a program" in text_of(web, "/reservations")
    for program, person in ((OP, "Jane"), ("second", "Jane <3")):
        address = f"/api/programs/{program}/reserve"
        assert web.post(address, json={"by": person}, headers=BEARER).status_code == 200
    page = text_of(web, "/reservations")
    assert page.index(">Jane</h2>") < page.index(">Jane <3</h2>")
    told = web.get("/api/reservations").get_json()
    assert {name: [one["program"] for one in had] for name, had in told.items()} == {
        "Jane": [OP],
        "Jane <3": ["second"],
    }
    assert "Jane</a> 1" in web.get("/").text


@pytest.mark.usefixtures("programs")
def test_the_states_of_both_applications_are_compared(web):
    page = text_of(web, "/states")
    told = web.get("/api/states").get_json()
    for state in (*told["programs"], *told["inversions"]):
        for words in state.values():
            assert words in page
    assert '"/states"' in web.get("/").text


@pytest.mark.usefixtures("programs")
def test_the_qualities_of_a_program_are_marked_among_all(web):
    assert 'id="fried_parameter"' in text_of(web, "/qualities")
    assert "this program" not in web.get("/qualities.js").text
    page = text_of(web, f"/programs/{OP}")
    assert f"/programs/{OP}/qualities.js" in page
    script = web.get(f"/programs/{OP}/qualities.js")
    assert script.mimetype == "text/javascript"
    assert "this program 0.03 m" in script.text
    assert web.get("/api/qualities").get_json()["light_level"][OP] == 3.0
    assert web.get("/programs/none/qualities.js").status_code == 404


def test_bucket_product_embargo_and_what_was_replaced_are_shown(web, catalogue, job):
    rows = [
        row("OLD", productId="L1-XYZ", createDate="2023-01-01T00:00:00"),
        row("NEW", productId="L1-XYZ", createDate="2023-02-01T00:00:00", bucket="public"),
        calcium(isEmbargoed=True, embargoEndDate="2126-05-01T00:00:00"),
    ]
    synchronise(catalogue, job, read_datasets(rows))
    page = text_of(web, f"/programs/{OP}")
    for words in ("superseded by NEW", "L1-XYZ", "public", "Under embargo until 2126-05-01."):
        assert words in page
    assert ">Embargoed</span>" in web.get("/").text
    told = web.get(f"/api/programs/{OP}").get_json()
    assert (told["embargo"], told["buckets"]) == ("until 2126-05-01", ["data", "public"])
    assert {one["datasetId"]: one["superseded_by"] for one in told["datasets"]} == {
        **{"NEW": None, "CALCI": None, "OLD": "NEW"}
    }


def test_a_dataset_has_a_page_with_its_row_and_all_versions(web, catalogue, job):
    synchronise(catalogue, job, read_datasets([row()]))
    synchronise(catalogue, job, read_datasets([row(frameCount=999)]))
    page = text_of(web, "/datasets/BLKGA")
    for words in ("lightLevel", "min 1.0, p25 2.0", "<td>999", "L1-BLKGA"):
        assert words in page
    assert [one["version"] for one in web.get("/api/datasets/BLKGA").get_json()] == [1, 2]
    assert web.get("/datasets/none").status_code == 404


def test_a_value_that_cannot_be_read_is_shown_with_its_dataset(web, catalogue, job):
    synchronise(catalogue, job, read_datasets([row(boundingBox="(NaN,NaN),(NaN,NaN)")]))
    for address in (f"/programs/{OP}", "/datasets/BLKGA"):
        assert "boundingBox" in text_of(web, address)
    synchronise(catalogue, job, read_datasets([row(startTime=None, wavelengthMin=None)]))
    for address in ("/", f"/programs/{OP}", "/datasets/BLKGA", f"/api/programs/{OP}"):
        text_of(web, address)


# ----------------------------------------------------------------- inversions


@pytest.mark.usefixtures("inverted")
def test_an_inversion_is_shown_with_its_commit_and_the_way_of_its_files(web):
    page = text_of(web, f"/programs/{OP}")
    for words in (ID, "To publish", COMMIT, "by Jane", "FeI630", "files not made yet"):
        assert words in page
    assert "<textarea" not in page  # nobody is signed in
    assert ID in text_of(web, "/inversions")
    (told,) = web.get("/api/inversions").get_json()
    assert (told["inversion_id"], told["state"], told["commit"]) == (ID, "To publish", COMMIT)
    (told,) = web.get(f"/api/programs/{OP}").get_json()["inversions"]
    assert told["transfer"] == "files not made yet"


@pytest.mark.usefixtures("inverted")
def test_a_person_writes_notes_and_withdraws_an_inversion(web, catalogue):
    sign_in(web)
    assert press(web, "note", text="Seeing was good.").status_code == 302
    assert press(web, "note", of=f"/inversions/{ID}", text="Ca II alone.").status_code == 302
    page = text_of(web, f"/programs/{OP}")
    assert "Seeing was good. <span" in page
    assert "Ca II alone. <span" in page
    press(web, "withdraw", of=f"/inversions/{ID}", text="wrong <darks>")
    page = web.get(f"/programs/{OP}").text
    assert "wrong &lt;darks&gt;" in page
    assert f'id="withdraw-{ID}"' not in page
    assert catalogue.withdrawal(ID).withdrawn_by == "Jane"
    assert [note.written_by for note in catalogue.notes(OP)] == ["Jane"]


@pytest.mark.usefixtures("inverted")
def test_programs_write_notes_and_withdraw_with_the_token(web, catalogue):
    post = lambda address, **body: web.post(f"/api/{address}", json=body, headers=BEARER)  # noqa: E731
    reply = post(f"programs/{OP}/note", by="Joe", text="Good.")
    assert reply.get_json() == {"program": OP, "done": "note"}
    reply = post(f"inversions/{ID}/note", by="Joe", text="Better.")
    assert reply.get_json() == {"inversion": ID, "done": "note"}
    assert post(f"inversions/{ID}/withdraw", by="Joe", reason="old").status_code == 200
    reply = post(f"inversions/{ID}/withdraw", by="Joe", reason="old")
    assert (reply.status_code, "already" in reply.get_json()["error"]) == (409, True)
    told = web.get(f"/api/programs/{OP}").get_json()
    assert [note["text"] for note in told["notes"]] == ["Good."]
    assert told["inversions"][0]["notes"][0]["text"] == "Better."
    assert told["inversions"][0]["withdrawal"]["reason"] == "old"
    assert catalogue.to_publish(OP) == []


@pytest.mark.usefixtures("inverted")
@pytest.mark.parametrize("text", ["", "x" * 2001, "x" * 200_000, "a\0b", "\ud800", 5, None, ["x"]])
def test_a_remark_is_a_text_of_some_length(web, catalogue, text):
    for address, key in (
        (f"programs/{OP}/note", "text"),
        (f"inversions/{ID}/note", "text"),
        (f"inversions/{ID}/withdraw", "reason"),
    ):
        body = {"by": "Jane", key: text}
        reply = web.post(f"/api/{address}", json=body, headers=BEARER)
        assert reply.status_code in {400, 409}
        assert len(reply.data) < 400
    assert catalogue.notes(OP) == catalogue.notes(ID) == []
    assert catalogue.withdrawal(ID) is None


@pytest.mark.usefixtures("inverted")
@pytest.mark.parametrize("address", [f"programs/{OP}/note", f"inversions/{ID}/withdraw"])
def test_nothing_is_written_without_sign_in_or_token(web, catalogue, address):
    assert web.post(f"/api/{address}", json={"by": "Jane", "text": "x"}).status_code == 401
    assert web.post(f"/{address}", data={"text": "x"}).status_code == 401
    sign_in(web)
    assert web.post(f"/{address}", data={"text": "x", "form_key": "guess"}).status_code == 403
    assert catalogue.notes(OP) == []
    assert catalogue.withdrawal(ID) is None


@pytest.mark.parametrize("inversion", ["inv.NOTHIN", "%00", "%FF"])
def test_an_inversion_that_is_none_is_404(web, inversion):
    reply = web.post(f"/api/inversions/{inversion}/note", json={"text": "x"}, headers=BEARER)
    assert reply.status_code == 404


def test_a_published_inversion_is_shown_with_its_place(web, catalogue, job, inverted):
    detail = {
        "inversion_id": ID,
        "destination": f"public/pid_1_118/{ID}/",
        "record": {"inversionId": ID},
    }
    catalogue.ledger.record([Event(OP, State.PUBLISHED, detail=detail)], job)
    page = text_of(web, f"/programs/{OP}")
    assert f"in public/pid_1_118/{ID}/" in page
    assert web.get("/api/inversions").get_json()[0]["state"] == "Published"
    sign_in(web)
    press(web, "withdraw", of=f"/inversions/{ID}", text="wrong")
    assert "Its record and its files stay in the archive" in text_of(web, f"/programs/{OP}")
