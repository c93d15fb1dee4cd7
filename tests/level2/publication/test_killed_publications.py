"""Publications that are killed: the short form of what `make torture-level2` does at length."""

import random

import pytest

from tests.level2.publication.killed_publications import KilledPublications
from tests.level2.publication.published_places import PLACES


@pytest.mark.parametrize("driver", PLACES)
def test_whenever_it_is_killed_there_is_one_record_one_set_of_files_and_one_message_each(
    driver, rabbitmq, tmp_path
):
    with KilledPublications(driver, tmp_path / driver, rabbitmq) as target:
        target.kill(7, random.Random(7))
    assert target.wrong == []
    assert target.kills.total() == 7
    assert target.n_moments > 50
