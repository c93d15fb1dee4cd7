"""What the tests of DeSIRe's files share."""

import pytest

from tests.level2.desire.example_desire import arrays, simulate_arms


@pytest.fixture(scope="session")
def arms(tmp_path_factory):
    """Directories of simulated Level 1 datasets, by arm; not to be changed."""
    return simulate_arms(tmp_path_factory.mktemp("arms"))


@pytest.fixture(scope="session")
def level1(arms):
    """Those directories, by dataset id."""
    return {directory.name: directory for directory in arms.values()}


@pytest.fixture
def example_arrays():
    """What the files hold, to be changed."""
    return arrays()
