"""A campaign in the midst of its work, and the application that shows it."""

import pytest

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.app import create_app
from cvzmpi.dashboard.look.campaign import Figure, ServedCampaign, retry_in
from cvzmpi.ledger import Event, NewUnit, State
from tests.dashboard.served import SECRET

READY = (State.PREPROCESSED,)
OUTCOME = {"n_flares": 3, "largest_flare": 12.345678, "search": "both"}


@pytest.fixture
def served_campaign(location, tmp_path):
    return ServedCampaign(
        title="Flares & more",
        unit_name="light curve",
        step_name="injection",
        location=location,
        outboxes=tmp_path / "outbox",
        lease=120.0,
        retry=retry_in(location),
        findings="Newest flares",
        figures=(Figure("n_flares", "flares"), Figure("largest_flare", "largest", "s")),
        found="n_flares",
    )


@pytest.fixture
def running(ledger, job):
    """A job at work: 1 and 2 are done, 3 and 4 failed for one reason and 5 for another."""
    names = [f"{n}_1" for n in range(1, 10)]
    ledger.add_units([NewUnit(name, facts={"tic": int(name[0])}) for name in names], job)
    for state in (State.QUALIFIED, State.PREPROCESSED):
        detail = {"size": 1000} if state is State.PREPROCESSED else None
        ledger.record([Event(name, state, detail=detail) for name in names], job)
    running = ledger.jobs.begin("run", ranks=40, nodes=2, queue_id="812")
    ledger.claims.take(running, 7, READY)
    ledger.record([Event(name, State.WORKING, rank=3, host="n042") for name in names[:6]], running)
    detail = {"seconds": 8.0, "outcome": OUTCOME}
    detail["disk"] = {"disk": "output", "free_bytes": 5e9, "total_bytes": 10e9}
    ledger.record([Event("1_1", State.DONE, detail=detail, rank=3, host="n042")], running)
    nothing = {"seconds": 2.0, "outcome": {"n_flares": 0}}
    ledger.record([Event("2_1", State.DONE, detail=nothing)], running)
    for name, message in (
        ("3_1", "/a/3_1.fits: 12 <usable> cadences (rank 3 on n042)"),
        ("4_1", "/b/4_1.fits: 700 <usable> cadences (rank 4 on n042)"),
        ("5_1", "no flux"),
    ):
        ledger.record([Event(name, State.ERROR, message=message, attempts_used=5)], running)
    with ledger.writing() as connection:
        ledger.jobs.beat(running, 4000, 37.5, within=connection)
    return running


@pytest.fixture
def app(served_campaign):
    return create_app(served_campaign, Access(SECRET))


@pytest.fixture
def web(app):
    """A client of the application."""
    return app.test_client()
