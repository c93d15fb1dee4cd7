"""What earlier versions left of Level 2 is read and gone on with: to the last bit, but for inverted
pixels, whose fits were rounded otherwise before they were compiled."""

import json
import shutil

import numpy as np
import pytest
from graphql import build_schema

from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS, MilneEddington
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, mask_of
from tests.earlier_versions import CURRENT, PIXELS, assert_same_files, ledger_rows
from tests.level2.example_rows import OP, calcium, row
from tests.level2.simulated_level1 import simulate_level1
from tests.level2.stand_in_store import TRIMMED_SCHEMA
from tests.main_job import bytes_of
from tools.harness.hdf5_content import values

# ----------------------------------------------------------------- maps


@pytest.fixture(scope="module")
def prepared(earlier, tmp_path_factory):
    """Two maps of four tickets each that the earlier version invented."""
    directory = tmp_path_factory.mktemp("prepared")
    earlier.succeeds(*simulate_in(directory))
    return directory


@pytest.fixture(scope="module")
def inverted(earlier, prepared, tmp_path_factory):
    """The same maps, inverted by the earlier version, undisturbed."""
    output = tmp_path_factory.mktemp("inverted") / "output"
    earlier.succeeds(*invert_in(output, prepared))
    return output


def simulate_in(directory):
    return ["level2", "simulate", directory, "--maps", "2", "--steps", "2", "--slit", "66"]


def invert_in(output, prepared):
    return ["level2", "invert", prepared, "--output", output, "--interval", "0.000001"]


def test_the_same_maps_are_invented_and_inverted(earlier, prepared, inverted, tmp_path):
    CURRENT.succeeds(*simulate_in(tmp_path / "prepared"))
    assert_same_files(earlier, tmp_path / "prepared", prepared)
    CURRENT.succeeds(*invert_in(tmp_path / "inverted", tmp_path / "prepared"))
    assert_same_fits(tmp_path / "inverted", inverted, prepared)


def test_inverted_maps_have_nothing_to_do(prepared, inverted, tmp_path):
    copy = shutil.copytree(inverted, tmp_path / "inverted")
    CURRENT.succeeds(*invert_in(copy, prepared))
    assert bytes_of(copy) == bytes_of(inverted)


def test_a_killed_inversion_is_finished_as_if_it_had_not_been(
    earlier, prepared, inverted, tmp_path
):
    output = tmp_path / "output"
    earlier.stopped(PIXELS, 6, "SIGKILL", *invert_in(output, prepared))
    assert remaining(output) == [0, 3]
    ended = CURRENT.succeeds(*invert_in(output, prepared), ranks=2)
    # Each map has two tickets of 64 pixels, each followed by one of 2.
    assert " 68 pixels" in ended.stderr
    assert list(output.rglob("*.damaged*")) == []
    assert_same_fits(output, inverted, prepared)


def assert_same_fits(made, expected, prepared):
    """The parameters are the same within a thousandth of their errors, but for two pixels at most.

    Where a pixel has hardly a field, or hardly one across the line of sight, the fit may end in
    another of several shallow minima, or elsewhere in a flat one; but it fits as well.
    """
    files = sorted(path.relative_to(expected) for path in expected.rglob("*.inverted.h5"))
    assert files == sorted(path.relative_to(made) for path in made.rglob("*.inverted.h5"))
    for name in files:
        now, before = values(made / name), values(expected / name)
        new = {key.partition("/")[0].partition("@")[0] for key in now.keys() - before.keys()}
        assert before.keys() <= now.keys()
        assert new <= {
            "quality",
            "n_outliers",
            "field_significance",
            "weak_field",
            "field_components",
        }
        assert np.array_equal(now["status"], before["status"])
        errors = {key: before[f"uncertainties/{key}"] for key in parameters_in(before)}
        far = [
            np.abs(now[f"parameters/{key}"] - before[f"parameters/{key}"])
            > 1e-3 * np.where(error > 0, error, 1)
            for key, error in errors.items()
        ]
        assert np.any(far, axis=0).sum() <= 2
        profiles = PreparedMap.read(prepared / f"{name.name.partition('.')[0]}.prepared.h5")
        assert np.all(misfits(profiles, now) <= 1.001 * misfits(profiles, before))


def misfits(prepared, contents):
    """The squares of what the parameters of each pixel leave of its profiles; by pixel."""
    parameters = np.stack([contents[f"parameters/{key}"] for key in PARAMETERS], axis=-1)
    used = ~mask_of(prepared.wavelength, EXPECTED)
    model = MilneEddington(prepared.wavelength)
    observed = np.stack([prepared.read_profiles((x, slice(None))) for x in range(len(parameters))])
    fitted = np.stack([model.stokes(row.astype(float)) for row in parameters])
    return ((observed - fitted)[..., used] ** 2).sum(axis=(2, 3))


def parameters_in(contents):
    datasets = [key for key in contents if key.startswith("parameters/") and "@" not in key]
    return [key.removeprefix("parameters/") for key in datasets]


def remaining(directory):
    """The tickets of each map that no checkpoint vouches for."""
    return sorted(
        int(values(path)["@n_tickets_remaining"]) for path in directory.rglob("*.inverted.h5")
    )


# ----------------------------------------------------------------- products


def test_a_product_is_accepted_read_and_shown(earlier, tmp_path):
    dkist = pytest.importorskip("dkist", reason="products are read with the dkist package")
    pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")
    level1, prepared, inverted, product = (
        tmp_path / name for name in ("level1", "prepared", "inverted", "product")
    )
    simulate_level1(level1, n_steps=2, n_slit=6)
    earlier.succeeds("level2", "prepare", level1, "--output", prepared)
    earlier.succeeds("level2", "invert", prepared, "--output", inverted)
    (prepared_map,), (inverted_map,) = prepared.glob("*.h5"), inverted.glob("*.h5")
    earlier.succeeds(
        *("level2", "write", level1, prepared_map, inverted_map),
        *("--output", product, "--inversion-id", "inv.ABC123"),
    )
    checked = check_product([product])
    assert (checked.inversion_id, checked.shape) == ("inv.ABC123", [2, 6])
    strength = dkist.load_dataset(product)["mag_strength"].data.compute()
    shown = open_map(product).quantities["field_strength"].read(slice(0, 2))
    assert shown == pytest.approx(strength)


# ----------------------------------------------------------------- programs

_INVENT = """
import sys
from pathlib import Path
from tools.inversion.invented import invent_programs
invent_programs(Path(sys.argv[1]), {"two": [(1, 70), (1, 40)], "one": [(1, 70)]})
"""
SOON = ("--set", "checkpoint.interval=0.000001")


@pytest.fixture(scope="module")
def invented(earlier, tmp_path_factory):
    """A campaign of programs that are prepared."""
    directory = tmp_path_factory.mktemp("invented")
    earlier.succeeds(directory, program=["-c", _INVENT])
    return directory


@pytest.fixture(scope="module")
def finished(earlier, invented, tmp_path_factory):
    """The same campaign after an undisturbed run of the earlier version."""
    directory = shutil.copytree(invented, tmp_path_factory.mktemp("finished") / "campaign")
    earlier.succeeds("level2", "run", *SOON, cwd=directory)
    return directory


def story(directory):
    """All that ever happened to the programs, as the ledger has it."""
    query = (
        "SELECT name, to_state, at, message, detail FROM events "
        "JOIN units ON units.id = unit_id ORDER BY events.id"
    )
    return ledger_rows(directory, query)


def states(directory, program):
    return [state for name, state, *_ in story(directory) if name == program]


def test_inverted_programs_have_nothing_to_do(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "campaign")
    ended = CURRENT.succeeds("level2", "run", cwd=copy)
    assert ended.stdout == ""
    assert bytes_of(copy / "maps") == bytes_of(finished / "maps")
    assert story(copy) == story(finished)
    status = json.loads(CURRENT.succeeds("level2", "status", "--json", cwd=copy).stdout)
    assert status["units"]["done"] == 2


def test_killed_programs_are_finished_as_if_they_had_not_been(
    earlier, invented, finished, tmp_path
):
    directory = shutil.copytree(invented, tmp_path / "campaign")
    earlier.stopped(PIXELS, 5, "SIGKILL", "level2", "run", *SOON, cwd=directory)
    assert any(remaining(directory))
    events = story(directory)
    assert [state for _, state, *_ in events].count("done") == 1
    ended = CURRENT.succeeds("level2", "run", *SOON, cwd=directory)
    assert " 6 pixels" in ended.stderr
    assert list(directory.rglob("*.damaged*")) == []
    maps = directory / "maps"
    assert_same_fits(maps / "inverted", finished / "maps" / "inverted", maps / "prepared")
    assert story(directory)[: len(events)] == events
    for program in ("one", "two"):
        assert states(directory, program).count("done") == 1
        assert states(directory, program)[-1] == "done"
        told = CURRENT.succeeds("level2", "history", program, cwd=directory).stdout
        assert "inv." in told


# ----------------------------------------------------------------- the store and people


OBJECTS = """
type Health { good: Int bad: Int ill: Int unknown: Int }
type GosStatus { open: Int opening: Int closed: Int closing: Int undefined: Int }
type Quartiles { min: Float p25: Float med: Float p75: Float max: Float }
"""


@pytest.fixture
def earlier_schema():
    """The schema that earlier versions took the store to have: with objects in place of scalars."""
    text = TRIMMED_SCHEMA.read_text()
    replaced = {"HealthCounts": "Health", "GosStatusCounts": "GosStatus"}
    for scalar, kind in {**replaced, "DistributionString": "Quartiles"}.items():
        text = text.replace(f": {scalar}\n", f": {kind}\n")
    return build_schema(text + OBJECTS)


def test_programs_that_were_scanned_qualified_and_claimed_are_still(
    earlier, campaign, store, earlier_schema
):
    other = {"observingProgramExecutionId": "other", "primaryProposalId": "pid_2_2"}
    store.datasets = [row(), calcium(), row("DARK", aoLocked=749, **other)]
    schema, store.schema = store.schema, earlier_schema
    for step in (("scan",), ("qualify",), ("claim", OP, "--by", "Jane")):
        earlier.succeeds("level2", *step, cwd=campaign)

    def listed(version):
        return json.loads(version.succeeds("level2", "list", "--json", cwd=campaign).stdout)

    before, events = listed(earlier), story(campaign)
    store.schema = schema
    for step in ("scan", "qualify"):
        CURRENT.succeeds("level2", step, cwd=campaign)
    assert story(campaign) == events
    assert len(before) == 2
    for earlier_item, item in zip(before, listed(CURRENT), strict=True):
        assert earlier_item.items() <= item.items()
    assert "Jane" in CURRENT.succeeds("level2", "show", OP, cwd=campaign).stdout
    CURRENT.succeeds("level2", "release", OP, cwd=campaign)
    assert states(campaign, OP)[:2] == ["discovered", "qualified"]
