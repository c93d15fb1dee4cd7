"""A file that another job began is gone on with only if it was made in the same way."""

import pytest

from cvzmpi.errors import SectorFileError
from cvzmpi.storage.checkpoint_file import check_same_configuration, check_same_data


def test_another_configuration_is_refused_with_every_difference(tmp_path):
    path = tmp_path / "a.h5"
    check_same_configuration(path, '{"a": 1}', '{"a": 1}', SectorFileError)
    with pytest.raises(SectorFileError) as caught:
        check_same_configuration(path, '{"a": 1, "b": 2}', '{"a": 0}', SectorFileError)
    assert str(caught.value) == (
        f"{path}: made with another configuration (a: 0 -> 1; b: not set -> 2); "
        "go back to it, or use another output directory"
    )


def test_other_data_are_refused_with_both_checksums(tmp_path):
    path, ours, theirs = tmp_path / "a.h5", "a" * 64, "b" * 64
    check_same_data(path, "models", ours, ours, SectorFileError)
    with pytest.raises(SectorFileError) as caught:
        check_same_data(path, "models", ours, theirs, SectorFileError)
    assert str(caught.value) == (
        f"{path}: made with other models ({'b' * 16}..., now {'a' * 16}...); "
        "use another output directory"
    )
