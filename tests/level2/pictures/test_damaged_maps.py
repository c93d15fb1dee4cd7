"""Damaged files of prepared and inverted maps: one line for whoever opens them, and no crash."""

import numpy as np
import pytest

from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.product.level2_product import write_product
from tests.level2.example_product import CREATED, INVERSION_ID
from tests.level2.maps import mutated_fits as damage

KINDS = [
    *(damage.cut_off, damage.cut_off_after_a_block, damage.empty, damage.flipped_bit),
    *(damage.zeroed_block, damage.zeroed_middle, damage.lost_piece, damage.junk_behind),
    damage.junk,
]
N_OF_A_KIND = 4
SEED = 17


def look_at_everything(path):
    """Read all that a picture and a page show."""
    opened = open_map(path)
    for name in opened.quantities:
        opened.quantities[name].read(slice(None))
    opened.read_profiles(1, 2)


def read_prepared(path):
    prepared = PreparedMap.read(path)
    prepared.verify()
    prepared.read_profiles((0, slice(None)))


@pytest.mark.parametrize("which", ["prepared", "inverted"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_damaged_map_is_one_line(example, tmp_path, which, kind):
    whole = getattr(example, which).read_bytes()
    path = tmp_path / f"map.{which}.h5"
    random = np.random.default_rng([SEED, KINDS.index(kind)])
    readers = [look_at_everything, read_prepared if which == "prepared" else inversion_file.read]
    for _ in range(N_OF_A_KIND):
        path.write_bytes(kind(whole, random, []))
        for read in readers:
            refused = refusal(read, path)
            assert refused is None or (refused.startswith(f"{path}: ") and "\n" not in refused)
        if which == "prepared":
            assert refused is not None


def refusal(read, path):
    try:
        read(path)
    except CvzmpiError as error:
        return str(error)
    return None


def test_no_product_is_written_of_profiles_that_were_changed(example, tmp_path):
    path = tmp_path / example.prepared.name
    content = bytearray(example.prepared.read_bytes())
    profiles = PreparedMap.read(example.prepared).read_profiles((1, slice(None))).tobytes()
    content[content.index(profiles)] ^= 1
    path.write_bytes(content)
    files = (PreparedMap.read(path), example.inverted, tmp_path / "product")
    with pytest.raises(CvzmpiError, match="the profiles do not have their checksum"):
        write_product(example.level1, *files, INVERSION_ID, CREATED)
