"""Damaged frames, 300 and more: refused in one line, or the prepared map is as it should be."""

import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.maps import preprocess as module
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.maps.preprocess import preprocess
from cvzmpi.level2.settings import PreprocessSettings
from tests.level2.maps.mutated_fits import KINDS, junk_behind, without_checksums
from tests.level2.simulated_level1 import compress_level1, simulate_level1

SETTINGS = PreprocessSettings()
N_OF_A_KIND = 13  # of plain files, and as many of compressed ones
N_WITHOUT = 48
SEED = 17


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A small dataset; not to be changed."""
    directory = tmp_path_factory.mktemp("simulated") / "level1"
    simulate_level1(directory, n_steps=2, n_slit=6)
    return directory


@pytest.fixture(scope="module", params=["plain", "compressed"])
def level1(request, simulated, tmp_path_factory):
    """The directory of a dataset, whose files are damaged one at a time and mended."""
    directory = shutil.copytree(simulated, tmp_path_factory.mktemp(request.param) / "level1")
    if request.param == "compressed":
        compress_level1(directory)
    return directory


@pytest.fixture
def prepare(level1, tmp_path, monkeypatch):
    """Prepare the dataset; its ASDF file, which is never damaged here, is read once."""
    described = read_level1(level1)
    monkeypatch.setattr(module, "read_level1", lambda *arguments: described)
    return lambda: preprocess(level1, tmp_path / "prepared", SETTINGS)


@contextmanager
def damaged(path, kind, random, content=None):
    """Give a file the content that a kind of damage makes of its own, or of another; then mend it.

    Yields whether it differs.
    """
    whole = path.read_bytes()
    others = [other.read_bytes() for other in path.parent.glob("*.fits") if other != path]
    changed = kind(whole if content is None else content, random, others)
    path.write_bytes(changed)
    try:
        yield changed != whole
    finally:
        path.write_bytes(whole)


def outcome(prepare):
    """The checksum of the prepared profiles, or the message for the user."""
    try:
        return prepare().checksum, None
    except CvzmpiError as error:
        return None, str(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_damaged_frame_is_refused_in_one_line_or_does_no_harm(level1, prepare, kind, capsys):
    sound = prepare().checksum
    random = np.random.default_rng([SEED, KINDS.index(kind)])
    files = sorted(level1.glob("*.fits"))
    for _ in range(N_OF_A_KIND):
        path = files[random.integers(len(files))]
        with damaged(path, kind, random) as differs:
            prepared, refused = outcome(prepare)
        if differs and kind is not junk_behind:
            assert refused is not None
            assert refused.startswith(f"{path}: ")
            assert "\n" not in refused
        else:
            assert prepared == sound
    assert prepare().checksum == sound
    assert capsys.readouterr() == ("", "")


def test_without_checksums_a_damaged_frame_is_still_one_line_or_a_map(level1, prepare, capsys):
    """Nothing can be said about values then; but no damage ends the step in another way."""
    random = np.random.default_rng(SEED)
    files = sorted(level1.glob("*.fits"))
    n_refused = 0
    for number in range(N_WITHOUT):
        path = files[random.integers(len(files))]
        bare = without_checksums(path.read_bytes())
        with damaged(path, KINDS[number % len(KINDS)], random, bare):
            _, refused = outcome(prepare)
        if refused is not None:
            n_refused += 1
            assert "\n" not in refused
    assert N_WITHOUT / 2 < n_refused < N_WITHOUT
    assert capsys.readouterr() == ("", "")
