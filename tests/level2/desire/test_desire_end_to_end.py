"""The whole way of a program that the science team inverted: from the scan to the publication."""

import shutil
import subprocess
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from cvzmpi.ledger import Ledger
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.product.files.file_names import directory_name
from tests.level2.desire.example_desire import CANONICAL, N_BINNED, N_STEPS, OTHER, arrays
from tests.level2.example_rows import OP, row

COMMIT = "0abc1234"


@pytest.fixture
def campaign(store, arms, campaign):
    """The directory of a campaign, with the Level 1 data of both arms, and DeSIRe's files."""
    same = ("startTime", "endTime", "wavelengthMin", "wavelengthMax", "exposureTime")
    for directory in arms.values():
        inventory = read_level1(directory).inventory
        store.datasets.append(row(directory.name, **{key: inventory[key] for key in same}))
        shutil.copytree(directory, campaign / "level1" / "pid_1_118" / directory.name)
    arrays().write(campaign / "desire")
    return campaign


@pytest.fixture
def hand_in(cvzmpi):
    """Hand DeSIRe's files in; what the command printed."""

    def hand_in(status=0):
        return cvzmpi(
            *("inverted", OP, "--files", "desire", "--commit", COMMIT, "--by", "Ada"),
            status=status,
        )

    return hand_in


def test_from_waiting_to_published(campaign, cvzmpi, hand_in, store, arms):
    cvzmpi("scan")
    assert "Waiting" in cvzmpi("list")
    assert cvzmpi("qualify") == "1 found invertible, 0 not; 0 wait for more datasets\n"
    inversion_id = hand_in().partition(f"{OP}: inverted, ")[2].strip()
    assert cvzmpi("publish") == f"{OP}: published, {inversion_id}\n"
    assert hand_in().strip().endswith(inversion_id), "the same files count once"
    cvzmpi("publish")  # there is nothing left to do

    (record,) = store.inversions
    assert record["inversionId"] == inversion_id
    assert record["datasetIds"] == [arms[CANONICAL].name, arms[OTHER].name]
    with Ledger.open(campaign / "ledger.sqlite", create=False) as ledger:
        states = [event.to_state.value for event in ledger.history(OP)]
    assert states == ["discovered", "qualified", "done", "published"]

    published = campaign / "buckets" / record["bucket"] / "pid_1_118" / directory_name(inversion_id)
    frames = sorted(published.glob("*.fits"))
    assert len(frames) == N_STEPS
    is_the_inversion_of_the_files(published)
    has_the_coordinates_of_level1(frames, read_level1(arms[CANONICAL]))
    is_clean(frames)


def is_the_inversion_of_the_files(published):
    import dkist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inversion = dkist.load_dataset(published)
    assert isinstance(inversion, dkist.Inversion)
    assert len(inversion) == 11
    given = arrays()
    field = (given.atmosphere[4].astype(float) * 1e-4).astype("f4")  # G to T
    assert np.array_equal(inversion["mag_strength"].data.compute(), field.transpose(1, 2, 0))
    fitted = inversion.profiles["CaII854_fit"].data.compute()
    assert np.array_equal(fitted, given.fit[:, 24:].transpose(2, 3, 1, 0))
    assert COMMIT in inversion.meta["inventory"].values()


def has_the_coordinates_of_level1(frames, level1):
    for step, (frame, of_level1) in enumerate(zip(frames, level1.files()[:N_STEPS], strict=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            there = WCS(fits.getheader(of_level1))
            here = WCS(fits.getheader(frame, 5))
        for along in range(3):
            lat, _, lon = there.pixel_to_world_values((along + 0.5) * N_BINNED - 0.5, 0, 0)
            _, *found = here.pixel_to_world_values(0, along, 0)
            assert np.array(found) == pytest.approx(np.array([lat, lon]), abs=1e-9), step


def is_clean(frames):
    for frame in frames:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(frame, checksum=True) as units:
                units.verify("exception")
        if shutil.which("fitsverify") is not None:
            said = subprocess.run(["fitsverify", frame], capture_output=True, text=True, check=True)
            assert "found 0 warning(s) and 0 error(s)" in said.stdout


def test_files_that_do_not_fit_bring_the_program_into_error_in_one_line(campaign, cvzmpi, hand_in):
    for step in ("scan", "qualify"):
        cvzmpi(step)
    atmosphere = campaign / "desire" / "inv_res_mod.fits"
    whole = atmosphere.read_bytes()
    atmosphere.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Exception, match=r"inv_res_mod\.fits: .*truncated") as error:
        hand_in()
    assert "\n" not in str(error.value)
    assert "Error" in cvzmpi("list")
    assert "truncated" in cvzmpi("show", OP)

    atmosphere.write_bytes(whole)
    assert f"{OP}: inverted, inv." in hand_in()


def test_files_that_changed_since_are_not_published(campaign, cvzmpi, hand_in, store):
    for step in ("scan", "qualify"):
        cvzmpi(step)
    hand_in()
    with (campaign / "desire" / "per_ori.fits").open("r+b") as file:
        file.seek(-10, 2)
        file.write(b"x")
    assert "per_ori.fits" in cvzmpi("publish", status=1) + cvzmpi("show", OP)
    assert store.inversions == []
