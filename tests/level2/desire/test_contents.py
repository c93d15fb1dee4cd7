"""Lines and wavelengths of DeSIRe's profiles, from their ids and offsets."""

import numpy as np
import pytest

from cvzmpi.level2.desire.contents import read_contents
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from tests.level2.desire.example_desire import OFFSETS, arrays


def contents(written, directory):
    return read_contents(DesireFiles.find([written.write(directory)]))


@pytest.mark.parametrize("line_ids", [[23], [9], [4], [4, 23], [23, 9, 4]])
def test_each_line_has_its_wavelengths(tmp_path, line_ids):
    arms = contents(arrays(line_ids=line_ids), tmp_path).arms
    names = {23: "FeI630", 9: "NaID", 4: "CaII854"}
    assert [arm.line for arm in arms] == [names[n] for n in line_ids]
    assert all(arm.line in KNOWN_LINES for arm in arms)
    assert [arm.place.stop - arm.place.start for arm in arms] == [len(OFFSETS[n]) for n in line_ids]
    assert arms[-1].place.stop == sum(len(OFFSETS[n]) for n in line_ids)


@pytest.mark.parametrize(("line_id", "nm"), [(23, 630.15012), (9, 588.995095), (4, 854.2091)])
def test_offsets_are_milliangstroms_from_the_line(tmp_path, line_id, nm):
    (arm,) = contents(arrays(line_ids=[line_id]), tmp_path).arms
    assert arm.wavelength == pytest.approx(nm + OFFSETS[line_id] * 1e-4, abs=1e-8)


def test_offsets_that_float32_rounds_are_equally_spaced(tmp_path):
    """Of the real dispersion, far from the line, where float32 has three digits after the point."""
    written = arrays(line_ids=[23])
    written.offsets = (9000 + 12.77 * np.arange(24)).astype("f4")
    (arm,) = contents(written, tmp_path).arms
    assert np.ptp(np.diff(arm.wavelength)) < 1e-12
