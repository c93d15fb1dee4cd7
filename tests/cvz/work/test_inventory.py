"""What was taken into the ledger once is put right when its input changes."""

import pytest

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, PassedOver, Rejected
from cvzmpi.cvz.work.inventory import Inventory
from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.ledger.failures import failures


@pytest.fixture
def inventory(ledger, job):
    return Inventory(Config(), ledger, job, present=(), look=lambda light_curve: None)


def state(ledger, name):
    (unit,) = ledger.units(names=[name])
    return unit.state


@pytest.mark.parametrize("name", ["True_1", "7_True", "-5_1", "100000000000000000000_1", "7_0"])
def test_a_unit_that_can_be_no_light_curve_waits_no_longer(inventory, ledger, job, name):
    """As an earlier version left it, for a header with TICID = T."""
    ledger.add_units([NewUnit(name), NewUnit("7_1")], job)
    for unit in (name, "7_1"):
        for to in (State.QUALIFIED, State.PREPROCESSED):
            ledger.record([Event(unit, to)], job)
    inventory.close_impossible(ledger.units())
    assert state(ledger, name) is State.NOT_QUALIFIED
    assert state(ledger, "7_1") is State.PREPROCESSED


def test_a_rejected_file_says_what_is_wrong_with_it_now(inventory, ledger):
    """The same name in another directory, or a file that is bad in another way."""
    for message in (
        "/old/x.fits: not FITS",
        "/new/x.fits: it is empty",
        "/new/x.fits: it is empty",
    ):
        inventory.take([], [Rejected("x.fits", message)])
        assert [f.message for f in failures(ledger)] == [message]
    assert len(ledger.history("x.fits")) == 4


def test_the_history_names_the_files_that_were_passed_over(inventory, ledger, tmp_path):
    path, other = tmp_path / "a.fits", PassedOver(tmp_path / "b.fits", "truncated")
    path.write_bytes(b"x")
    inventory.take([LightCurveSource(LightCurveId(7, 1), path, (other,))], [])
    assert ledger.history("7_1")[-1].message.endswith(f"is here; {tmp_path}/b.fits: truncated")


def test_a_file_that_vanishes_before_it_is_looked_at_stops_nothing(inventory, ledger, tmp_path):
    inventory.take([LightCurveSource(LightCurveId(7, 1), tmp_path / "gone.fits")], [])
    assert state(ledger, "7_1") is State.PREPROCESSED
