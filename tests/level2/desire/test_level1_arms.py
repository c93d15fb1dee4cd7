"""Of the datasets of a program, those that the inversion was made of are found."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cvzmpi.errors import Level1Error
from cvzmpi.level2.desire import level1_arms
from cvzmpi.level2.desire.contents import read_contents
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.product.checked_product import ProductError
from tests.level2.desire.example_desire import N_SLIT_LEVEL1, N_STEPS, arrays


def dataset(arm, centre, time="10:00", n_steps=N_STEPS, n_maps=1):
    """What is asked of a Level 1 dataset."""
    header = {"VSPARMID": arm, "DATE-BEG": f"2024-05-01T{time}:00"}
    return SimpleNamespace(
        wavelength=np.linspace(centre - 0.5, centre + 0.5, 100),
        wcs=SimpleNamespace(pixel_n_dim=4 if n_maps == 1 else 5),
        n_steps=n_steps,
        n_slit=N_SLIT_LEVEL1,
        headers=lambda: [header],
    )


IRON, CALCIUM, SODIUM = dataset(1, 630.2), dataset(3, 854.2), dataset(2, 589.0)


@pytest.fixture
def inverted(tmp_path, monkeypatch):
    """The ids of the datasets of an inversion, of those that a program has."""

    def inverted(line_ids, **datasets):
        def read_level1(directory, files_needed):
            found = datasets[directory.name]
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(level1_arms, "read_level1", read_level1)
        files = DesireFiles.find([arrays(line_ids=line_ids).write(tmp_path / "desire")])
        here = {name: Path("level1") / name for name in datasets}
        return level1_arms.inverted_level1(read_contents(files), here).dataset_ids

    return inverted


def test_the_canonical_one_is_the_first(inverted):
    assert inverted([23, 9, 4], CA=CALCIUM, NA=SODIUM, FE=IRON) == ["FE", "NA", "CA"]


def test_of_several_of_a_line_the_one_at_the_same_time(inverted):
    earlier, later = dataset(3, 854.2, "08:00"), dataset(3, 854.2, "10:01")
    assert inverted([23, 4], A=earlier, B=later, FE=IRON) == ["FE", "B"]


def test_of_several_of_the_fiducial_arm_the_one_of_that_size(inverted):
    assert inverted([23], SHORT=dataset(1, 630.2, n_steps=2), FE=IRON) == ["FE"]


def test_a_dataset_with_several_maps_is_one_line(inverted):
    with pytest.raises(ProductError, match="Level 1 dataset FE has several maps: expected one"):
        inverted([23], FE=dataset(1, 630.2, n_maps=2))


def test_a_dataset_that_does_not_name_its_arm_is_none_of_it(inverted):
    with pytest.raises(ProductError, match=r"here: FE \(arm None\)$"):
        inverted([23], FE=dataset(None, 630.2))


def test_a_dataset_that_cannot_be_read_matters_only_if_one_is_missed(inverted):
    damaged = Level1Error("level1/VBI: cannot be read")
    assert inverted([23], VBI=damaged, FE=IRON) == ["FE"]
    with pytest.raises(ProductError, match=r"level1/VBI: cannot be read$"):
        inverted([23], VBI=damaged, CA=CALCIUM)
