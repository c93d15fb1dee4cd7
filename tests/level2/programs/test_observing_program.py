"""Observing Programs: which datasets belong together, and when they are complete."""

from datetime import datetime, timedelta, timezone

import pytest

from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.program import group
from tests.level2.example_rows import OP, calcium, context, real_rows, row

QUIET_DAYS = 7


def programs(*rows):
    return group(dataset for dataset, _ in read_datasets(rows).datasets)


def program(*rows):
    return programs(*rows)[OP]


def test_datasets_of_one_observation_are_a_program():
    found = programs(row("B"), row("A"), row("C", observingProgramExecutionId="another"))
    assert {name: [d.dataset_id for d in p.datasets] for name, p in found.items()} == {
        OP: ["A", "B"],
        "another": ["C"],
    }


def test_a_program_is_described_by_its_spectropolarimetric_datasets():
    found = program(context("A", primaryProposalId="pid_0_0"), row("B"), calcium("C"))
    assert (found.proposal, found.experiment) == ("pid_1_118", "eid_1_118")
    assert found.instruments == ["VBI", "VISP"]
    assert [d.dataset_id for d in found.spectropolarimetric] == ["B", "C"]


# ----------------------------------------------------------------- processed again


def ids(datasets):
    return [dataset.dataset_id for dataset in datasets]


def test_the_newest_dataset_of_a_product_replaces_its_predecessors():
    first = row("NEWER", productId="L1-A", createDate="2023-06-01T00:00:00")
    second = row("AFIRST", productId="L1-A")
    found = program(first, second, calcium(productId="L1-B"))
    assert ids(found.datasets) == ["CALCI", "NEWER"]
    assert ids(found.superseded) == ["AFIRST"]
    assert ids(found.all_datasets) == ["CALCI", "NEWER", "AFIRST"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"updateDate": None}, {}),
        ({"updateDate": "2023-01-02T12:00:00"}, {"updateDate": "2023-01-03T12:00:00"}),
    ],
)
def test_of_two_created_at_the_same_time_the_one_updated_last_counts(one, other):
    found = program(row("B", productId="L1", **one), row("A", productId="L1", **other))
    assert ids(found.datasets) == ["A"]


def test_two_that_are_equally_old_are_told_apart_by_their_ids():
    for rows in ([row("A", productId="L1"), row("B", productId="L1")],) * 2:
        assert ids(program(*rows).datasets) == ["B"]
        rows.reverse()


@pytest.mark.parametrize("product", [None, ""])
def test_datasets_without_a_product_id_count_each(product):
    found = program(row("A", productId=product), row("B", productId=product))
    assert (ids(found.datasets), found.superseded) == (["A", "B"], ())


def test_one_whose_creation_cannot_be_read_neither_replaces_nor_is_replaced():
    same = {"productId": "L1"}
    found = program(row("A", **same), row("B", createDate="?", **same), row("C", **same))
    assert (ids(found.datasets), ids(found.superseded)) == (["B", "C"], ["A"])


CHANGED = datetime(2023, 1, 2, 12, tzinfo=timezone.utc)  # of example_rows


@pytest.mark.parametrize(("days", "complete"), [(6.9, False), (7, True), (8, True), (-1, False)])
def test_it_is_complete_after_seven_quiet_days(days, complete):
    now = CHANGED + timedelta(days=days)
    assert program(row(), calcium()).complete(now, QUIET_DAYS) is complete


def test_where_no_time_can_be_read_nothing_is_waited_for():
    unknown = {"createDate": None, "updateDate": None}
    assert program(row(**unknown)).complete(CHANGED, QUIET_DAYS)
    some = program(row(**unknown), calcium())
    assert not some.complete(CHANGED + timedelta(days=6.9), QUIET_DAYS)


def test_a_late_spectropolarimetric_dataset_reopens_the_answer():
    now = CHANGED + timedelta(days=7)
    late = (now - timedelta(hours=1)).isoformat()
    assert not program(row(), calcium(createDate=late)).complete(now, QUIET_DAYS)
    assert not program(row(), calcium(updateDate=late)).complete(now, QUIET_DAYS)


def test_a_late_context_image_does_not():
    now = CHANGED + timedelta(days=7)
    late = (now - timedelta(hours=1)).isoformat()
    images = context(createDate=late, updateDate=late)
    assert program(row(), calcium(), images).complete(now, QUIET_DAYS)


def test_where_there_are_images_only_they_must_be_quiet():
    images = program(context())
    assert not images.complete(CHANGED + timedelta(days=6.9), QUIET_DAYS)
    assert images.complete(CHANGED + timedelta(days=7), QUIET_DAYS)


def test_the_real_store_of_2023_has_130_programs(shared_data):
    found = programs(*real_rows(shared_data))
    assert len(found) == 130
    assert sum(bool(p.spectropolarimetric) for p in found.values()) == 124
    assert sum(len(p.datasets) for p in found.values()) == 529


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{}], ""),
        ([{"isEmbargoed": True}], "without an end"),
        ([{}, {"embargoEndDate": "2026-02-03T00:00:00"}], "until 2026-02-03"),
        ([{"embargoEndDate": "2025-02-03T00:00:00"}], ""),
        (
            [{"isEmbargoed": True, "embargoEndDate": "2025-02-03T00:00:00"}],
            "until 2025-02-03, which has passed; the metadata store keeps it",
        ),
    ],
)
def test_an_embargo_is_told_with_its_end(changes, words):
    one = program(*(row(f"D{n}", **changed) for n, changed in enumerate(changes)))
    assert one.embargo(datetime(2026, 1, 1, tzinfo=timezone.utc)) == words
