"""Maps that are inverted with a table of lines."""

import pytest
from mpi4py import MPI

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.map_inversion import Tools, invert_map
from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control

TABLE = """\
wavelength_nm,log_gf,j_lower,j_upper,g_lower,g_upper
630.15012,-0.75,2,2,1.833333333,1.5
630.24936,-1.236,1,0,2.5,
"""


@pytest.fixture
def invert(tmp_path):
    prepared, _ = simulate_prepared(tmp_path, "map", (1, 3))

    def invert(lines, name="map.inverted.h5"):
        tools = Tools.of(InversionSettings(lines=lines), 1e9, fsync=False)
        path = tmp_path / name
        control = Control(StopRequest(), lambda steps: None)
        invert_map(tools, prepared, path, Team(MPI.COMM_SELF.Dup()), control)
        return path

    return invert


def test_a_map_is_gone_on_with_where_the_table_is_the_same_and_else_refused(invert, tmp_path):
    table, copy = tmp_path / "lines.csv", tmp_path / "copy.csv"
    table.write_text(TABLE)
    copy.write_text(TABLE)
    path = invert(table)
    invert(copy)
    other = tmp_path / "other.csv"
    other.write_text(TABLE.replace("-0.75", "-0.718"))
    for wrong in (other, None):
        with pytest.raises(MapFileError, match=r"another configuration \(lines: "):
            invert(wrong)
    same = inversion_file.read(invert(None, "default.inverted.h5")).parameters["field_strength"]
    assert inversion_file.read(path).parameters["field_strength"] == pytest.approx(same, abs=0.1)


def test_profiles_without_a_line_of_the_table_are_refused(invert, tmp_path):
    table = tmp_path / "lines.csv"
    table.write_text(TABLE.replace("630.24936", "617.3334"))
    with pytest.raises(MapFileError, match=r"expected the line at 617\.3334 nm to be within"):
        invert(table)
