"""Everything in a sector file is read back, as far as it is done."""

import h5py
import numpy as np
import pytest

from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.errors import SectorFileError
from tests.cvz.example_file import write_example


def test_what_is_read_is_what_h5py_reads(tmp_path):
    path = write_example(tmp_path / "1.h5")
    recovery = SectorContent.read(path).recovery
    with h5py.File(path) as file:
        for name in ("amplitude", "fwhm", "equivalent_duration"):
            assert np.array_equal(getattr(recovery, name), file[f"injections/{name}"])
        recovered = file["recoveries/recovered"][()]
    assert np.array_equal(recovery.recovered, recovered)
    assert (recovery.n_done, recovery.n_inject, recovery.n_placed) == (300, 300, 1200)
    assert recovery.fraction == recovered.mean()


def test_rows_that_are_not_done_do_not_count(tmp_path):
    path = write_example(tmp_path / "1.h5", n_done=80)
    with h5py.File(path, "r+") as file:
        file["recoveries/recovered"][80:120] = True  # rows that no count vouches for
        expected = file["recoveries/recovered"][:80].mean()
    content = SectorContent.read(path)
    recovery = content.recovery
    assert content.n_inject_remaining == 220
    assert len(recovery.amplitude) == len(recovery.recovered) == recovery.n_done == 80
    assert recovery.fraction == expected


def test_before_any_injection_there_is_nothing_to_count(tmp_path):
    assert SectorContent.read(write_example(tmp_path / "1.h5", model=False)).recovery is None
    recovery = SectorContent.read(write_example(tmp_path / "2.h5", n_done=0)).recovery
    assert recovery.n_placed == 0
    assert np.isnan(recovery.fraction)


@pytest.mark.parametrize(
    "content", [None, b"", b"SIMPLE  =                    T", b"\x89HDF\r\n\x1a\n"]
)
def test_what_is_no_sector_file_is_one_line_that_names_it(tmp_path, content):
    path = tmp_path / "1.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SectorFileError, match=str(path)) as error:
        SectorContent.read(path)
    assert "\n" not in str(error.value)
