"""The product of a spatially coupled map says that it is one."""

from dataclasses import replace

import pytest

from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.neighbours import coupling
from cvzmpi.level2.product.inverted_map_source import InvertedMapSource
from tests.level2.sunspot import make_sunspot


@pytest.mark.parametrize(
    ("settings", "says_so"),
    [("{}", False), ('{"coupling": 0.0}', False), ('{"coupling": 2}', True)],
)
def test_the_notes_say_whether_a_map_is_coupled(tmp_path, settings, says_so):
    found = inversion_file.read(make_sunspot(tmp_path).inverted)
    found = replace(found, origin=replace(found.origin, settings_json=settings))
    source = InvertedMapSource(None, None, found)
    assert (coupling.NOTE in source.notes) == says_so
