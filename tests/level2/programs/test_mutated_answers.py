"""Answers of the store that went wrong: no traceback, no program lost, none wrongly invertible.

Rows and whole answers are changed at random, from seeds. The store has programs that meet all
criteria, and programs that miss one in one dataset alone: without that dataset they would be
invertible. None of the values that are put into rows makes a dataset meet a criterion.
"""

import gzip
import json
import random
from datetime import datetime, timezone

import pytest

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import State
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds, evaluate
from cvzmpi.level2.programs.program import group
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.scan import scan
from cvzmpi.level2.views.description import describe
from cvzmpi.level2.views.programs import list_items, program_view
from cvzmpi.messages.foreign_json import parse
from tests.level2.example_rows import calcium, context, real_rows, row

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
N_MUTATIONS = {"sqlite": 250, "postgresql": 25}  # of each kind of rows

NAMES = ("datasetId", "observingProgramExecutionId")
FAULTS = {
    "off_disk": {"boundingBox": "(900,0),(0,900)"},
    "no_stokes": {"stokesParameters": "I"},
    "ill": {"health": {"good": 100, "ill": 900}},
    "closed": {"gosStatus": {"open": 999, "closed": 1}},
    "unlocked": {"aoLocked": 100},
}


def example_rows():
    rows = []
    for program, fault in {"good": {}, "better": {}, **FAULTS}.items():
        of = {"observingProgramExecutionId": program}
        rows += [row(f"FE{program}", **of), calcium(f"CA{program}", **of)]
        rows.append(row(f"X{program}", **of, **fault))
    of = {"observingProgramExecutionId": "no_calcium"}
    return [*rows, row("FEnone", **of), row("FEnone2", **of), context("IMnone", **of)]


def some_real_rows(shared_data):
    """The rows of some real programs: of a few that are invertible, and of a few that are not."""
    rows = [{**one, "productId": one["datasetId"]} for one in real_rows(shared_data)]
    programs = group(dataset for dataset, _ in read_datasets(rows).datasets)
    found = {True: [], False: []}
    for name, program in programs.items():
        if program.spectropolarimetric and len(program.datasets) < 5:
            found[evaluate(program, Thresholds()).invertible].append(name)
    wanted = {*found[True][:2], *found[False][:3]}
    return [one for one in rows if one["observingProgramExecutionId"] in wanted]


# ----------------------------------------------------------------- mutations

DEEP, LONG = "@deep@", "@long@"  # what they stand for is no text, and put into the JSON afterwards
TYPES = (None, True, False, [], {}, [None], {"a": 1}, -1, 2**63, 10**400, 1e308, -1e308, 0.5)
NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "",
    " ",
    "\0",
    "\ud800",
    "\n",
    "x" * 3000,
    "NaN",
    "(NaN,NaN),(NaN,NaN)",
    "1e999",
    "yesterday",
)
TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2023-02-30T00:00:00", "0")
ODD = (*TYPES, *NO_NUMBERS, *TEXTS, *TIMES, DEEP, LONG)
NO_NAMES = (*TYPES, *NO_NUMBERS, *TEXTS[:6], DEEP)  # other texts would name something else


def odd(rng, key):
    """A value for a key, by which its dataset does not become better."""
    if key in {*NAMES, "instrumentName", "productId"}:
        return rng.choice(NO_NAMES)
    return rng.choice(ODD)


def some_row(rng, rows):
    return rng.choice([one for one in rows if isinstance(one, dict) and one])


def change_values(rng, rows, kept):
    for _ in range(rng.randint(1, 4)):
        one = some_row(rng, rows)
        key = rng.choice([key for key in one if key not in kept])
        one[key] = odd(rng, key)


def change_inner_values(rng, rows, kept):
    one = some_row(rng, rows)
    key = rng.choice(["health", "gosStatus", "lightLevel", "friedParameter"])
    if isinstance(one.get(key), dict):
        status = rng.choice([*one[key], "new", "x" * 999])
        one[key] = {**one[key], status: rng.choice(ODD)}


def drop_keys(rng, rows, kept):
    for _ in range(rng.randint(1, 3)):
        one = some_row(rng, rows)
        one.pop(rng.choice([key for key in one if key not in kept]))


def change_all_of_a_row(rng, rows, kept):
    one = some_row(rng, rows)
    for key in sorted(set(one) - set(NAMES)):
        one[key] = odd(rng, key)


def add_rows(rng, rows, kept):
    twin = dict(some_row(rng, rows))
    change_values(rng, [twin], kept)
    for added in (twin, rng.choice([None, 5, "row", [], {}, DEEP, [twin]])):
        rows.insert(rng.randint(0, len(rows)), added)


def replace_a_row(rng, rows):
    position = rng.randrange(len(rows))
    rows[position] = rng.choice([None, [rows[position]], "row", DEEP, {}])


OF_ROWS = (change_values, change_inner_values, drop_keys, change_all_of_a_row, add_rows)


def with_changed_rows(rng, rows, kept=()):
    """Rows of which some are changed, but for some keys."""
    rows = [dict(one) for one in rows]
    for mutate in rng.sample(OF_ROWS, rng.randint(1, 2)):
        mutate(rng, rows, kept)
    return rows


def in_json(value, depth=5000):
    deep = "[" * depth + "]" * depth
    return json.dumps(value).replace(f'"{DEEP}"', deep).replace(f'"{LONG}"', "7" * 5000)


def whole_answer(rng, rows):
    """An answer in which more than the rows is changed: the status, the body, headers."""
    body = in_json({"data": {"datasetInventories": rows}}, rng.choice([30, 300, 5000])).encode()
    return rng.choice(
        [
            lambda: (200, body[: rng.randrange(len(body))]),
            lambda: (200, body, {"Content-Type": "text/html; charset=utf-16"}),
            lambda: (200, body, {"Content-Encoding": "gzip"}),
            lambda: (200, gzip.compress(body), {"Content-Encoding": "gzip"}),
            lambda: (200, gzip.compress(body)),
            lambda: (200, b"\xef\xbb\xbf" + body),
            lambda: (200, body.decode().encode("utf-16")),
            lambda: (200, body + body),
            lambda: (200, b""),
            lambda: (rng.choice([201, 204, 302, 400, 401, 403, 404, 418, 500, 503]), body),
            lambda: (302, b"", {"Location": rng.choice(["http://[", "//", "file:///etc", "\x80"])}),
            lambda: (200, in_json({"data": {"datasetInventories": rng.choice(ODD)}})),
            lambda: (200, in_json({"data": rng.choice(ODD)})),
            lambda: (200, in_json(rng.choice(ODD))),
            lambda: (200, in_json({"errors": rng.choice([*ODD, "boom"])})),
            lambda: (200, in_json({"errors": [rng.choice(ODD)], "data": {}})),
            lambda: (200, in_json({"errors": [{"message": rng.choice(ODD)}]})),
            lambda: (200, in_json({"data": {"datasetInventories": rows[: rng.randrange(9)]}})),
            lambda: (200, bytes(rng.randrange(256) for _ in range(100))),
        ]
    )()


def mutated(rng, rows):
    """An answer of the store, with changed rows or changed as a whole."""
    if rng.random() < 0.3:
        return whole_answer(rng, rows)
    rows = with_changed_rows(rng, rows)
    if rng.random() < 0.1:
        replace_a_row(rng, rows)
    return 200, in_json({"data": {"datasetInventories": rows}}, rng.choice([30, 300, 5000]))


# ----------------------------------------------------------------- what they must not do


@pytest.fixture(params=["example rows", "real rows"])
def rows(request):
    if request.param == "example rows":
        return example_rows()
    return some_real_rows(request.getfixturevalue("shared_data"))


def invertible_in(catalogue):
    return {name for name, state in catalogue.states().items() if state is State.QUALIFIED}


def test_each_program_that_is_not_invertible_misses_one_criterion_in_one_dataset():
    programs = group(dataset for dataset, _ in read_datasets(example_rows()).datasets)
    failed = {name: evaluate(p, Thresholds()).failed for name, p in programs.items()}
    assert (failed.pop("good"), failed.pop("better")) == ([], [])
    assert all(len(names) == 1 for names in failed.values())
    assert failed.keys() == {*FAULTS, "no_calcium"}


def test_answers_that_went_wrong_lose_no_program_and_make_none_wrongly_invertible(
    catalogue, store, client, job, rows
):
    def scan_and_qualify():
        try:
            scan(client, catalogue, job)
        except CvzmpiError as error:
            refused.append(str(error))
        qualify(catalogue, job, Thresholds(), 7, NOW)

    refused = []
    store.datasets = rows
    scan_and_qualify()
    states = catalogue.states()
    invertible = invertible_in(catalogue)
    assert 0 < len(invertible) < len(states)
    for seed in range(N_MUTATIONS[catalogue.ledger.database.engine.dialect.name]):
        rng = random.Random(seed)
        store.failures = [mutated(rng, rows)]
        scan_and_qualify()
        assert catalogue.states().keys() >= states.keys(), seed
        assert invertible_in(catalogue) <= invertible, seed
        if seed % 5 == 0:
            assert {item.name for item in list_items(catalogue)} >= states.keys(), seed
            view = program_view(catalogue, rng.choice(list(states)))
            assert describe(view).replace("\n", "").isprintable(), seed
            json.dumps(view.as_json(), allow_nan=False)
        scan_and_qualify()
        assert catalogue.states() == states, seed
    assert 0 < len(refused) < seed / 2
    assert all(message.isprintable() and len(message) < 2000 for message in refused)


def test_rows_that_are_seen_for_the_first_time_make_no_program_wrongly_invertible(rows):
    def judged(rows):
        reading = read_datasets(rows)
        programs = group(dataset for dataset, _ in reading.datasets)
        named = {bad.program for bad in reading.bad if bad.program is not None}
        answers = {name: evaluate(p, Thresholds()) for name, p in programs.items()}
        return {*programs, *named}, {n for n in answers if answers[n].invertible} - named

    programs, invertible = judged(rows)
    for seed in range(250):
        # A row that never named its program is nobody's.
        changed = with_changed_rows(random.Random(seed), rows, ["observingProgramExecutionId"])
        answer = parse(in_json(changed, depth=300).encode(), strict=False)
        found, found_invertible = judged(answer)
        assert found == programs, seed
        assert found_invertible <= invertible, seed
