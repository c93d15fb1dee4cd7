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


def test_rows_of_a_batch_that_were_missing_are_settled_by_a_light_curve_of_any_product(
    inventory, ledger
):
    rows = [Rejected(name, "no light curve") for name in ("9_28", "9_29", "9", "10")]
    inventory.take([], rows)
    fast = LightCurveSource(LightCurveId(9, 28, "spoc-20"))
    for _ in range(2):
        inventory.take([fast], rows[1:2])
        inventory.settle([fast], rows[1:2], all_here=False)
        states = {unit.name: str(unit.state) for unit in ledger.units()}
        assert states == {
            **{"9_28": "not_qualified", "9_29": "error", "9": "not_qualified", "10": "error"},
            "9_28_spoc-20": "preprocessed",
        }
    assert ledger.history("9_28")[-1].message == "has a light curve now"
    usual = LightCurveSource(LightCurveId(9, 28))  # its file comes as well, and is the better one
    inventory.take([usual], [])
    assert state(ledger, "9_28") is State.PREPROCESSED


def test_what_was_settled_fails_again_where_it_is_rejected_again(inventory, ledger):
    for message in ("it is empty", "it ends within its header"):
        inventory.take([], [Rejected("x.fits", message)])
        assert state(ledger, "x.fits") is State.ERROR
        inventory.settle([], [], all_here=True)
        assert state(ledger, "x.fits") is State.NOT_QUALIFIED
