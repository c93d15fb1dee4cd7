"""The files that the science team hands in: each way to be wrong is named."""

import numpy as np
import pytest
from example_result import QUANTITIES, write_result

from cvzmpi.level2.team_result import TeamResultError, check


def test_a_result_that_passes_is_described(tmp_path):
    path = write_result(tmp_path / "result.h5")
    result = check([path])
    assert result.shape == (3, 4)
    assert result.quantities == dict.fromkeys(sorted(QUANTITIES), str(path))
    assert result.lines == {"FeI630": str(path)}
    assert list(result.checksums) == [str(path)]


def test_quantities_may_have_a_depth(tmp_path):
    deep = {f"quantities__{name}": np.zeros((3, 4, 7)) for name in QUANTITIES}
    assert check([write_result(tmp_path / "deep.h5", **deep)]).shape == (3, 4)


WRONG = [
    ({"quantities__mag_strength": None}, "no quantities/mag_strength, which every result needs"),
    ({"quantities__colour": np.zeros((3, 4))}, "quantities/colour: not known; known: "),
    ({"quantities__velocity": np.zeros((4, 3))}, r"velocity has shape \(4, 3\): expected \(3, 4\)"),
    ({"quantities__velocity": np.zeros(12)}, r"velocity has shape \(12,\): expected "),
    ({"quantities__velocity": np.zeros((3, 4), int)}, "velocity: expected an array of floats"),
    ({"profiles__MgI517_orig": np.zeros((3, 4, 5, 4))}, "profiles/MgI517_orig: not known; known: "),
    ({"profiles__FeI630_fit": None}, "FeI630: there is no profiles/FeI630_fit"),
    ({"wavelengths__FeI630": None}, "FeI630: there is no wavelengths/FeI630"),
    ({"profiles__FeI630_fit": np.zeros((3, 4, 5))}, r"FeI630_fit has shape \(3, 4, 5\): expected "),
    ({"profiles__FeI630_fit": np.zeros((3, 4, 6, 4))}, r"expected \(3, 4, 5, 4\)"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_a_wrong_file_says_what_is_wrong(tmp_path, changed, message):
    with pytest.raises(TeamResultError, match=message):
        check([write_result(tmp_path / "wrong.h5", **changed)])


def test_files_that_are_none_or_no_hdf5_are_named(tmp_path):
    with pytest.raises(TeamResultError, match=r"gone\.h5: there is no such file"):
        check([tmp_path / "gone.h5"])
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(TeamResultError, match=r"text\.h5: no readable HDF5 file"):
        check([tmp_path / "text.h5"])


def test_the_same_map_in_two_files_is_refused(tmp_path):
    files = [write_result(tmp_path / name) for name in ("one.h5", "two.h5")]
    with pytest.raises(
        TeamResultError, match=r"two\.h5: quantities/mag_azimuth is in .*one\.h5, too"
    ):
        check(files)
