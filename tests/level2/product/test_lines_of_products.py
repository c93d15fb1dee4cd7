"""A product names its lines: one of lines without a name is refused."""

import json
import shutil

import pytest

from cvzmpi.errors import MapFileError
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.line_table import canonical_settings
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, Level, Line
from tests.edited_hdf5 import edited
from tests.level2.example_product import CREATED

pytest.importorskip("dkist", reason="products are read with the dkist package")
pytest.importorskip("dkist_data_simulator", reason="it makes the Level 1 data")


@pytest.mark.parametrize(
    ("lines", "refused"),
    [(FE_I_630[:1], False), ((Line(617.334, -2.88, Level(0, 1, 1), Level(0, 0, 0)),), True)],
)
def test_other_lines_than_those_at_630_nm_have_no_name(example, tmp_path, lines, refused):
    inverted = shutil.copy(example.inverted, tmp_path / "map.inverted.h5")
    table = tmp_path / "lines.csv"
    settings = canonical_settings(InversionSettings(lines=table), lines)
    assert json.loads(settings)["lines"]
    with edited(inverted) as file:
        file.attrs["settings"] = settings
    given = (example.level1, PreparedMap.read(example.prepared), inverted, tmp_path / "product")
    if not refused:
        assert write_product(*given, "inv.LINES1", CREATED).asdf.is_file()
        return
    with pytest.raises(MapFileError, match=r"a line at 617\.334 nm: .* expected lines from 630\.0"):
        write_product(*given, "inv.LINES1", CREATED)
