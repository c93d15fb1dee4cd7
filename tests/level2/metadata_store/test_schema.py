"""The documents that are sent, against the schema of the store and the part of it that we have."""

import pytest
from graphql import (
    build_schema,
    is_input_object_type,
    is_object_type,
    is_required_input_field,
    is_scalar_type,
    parse,
    validate,
)

from cvzmpi.level2.metadata_store import documents
from cvzmpi.level2.metadata_store.client import MetadataStore
from tests.level2.example_rows import row
from tests.level2.metadata_store.test_client import RECORD
from tests.level2.stand_in_store import TOKEN, TRIMMED_SCHEMA, StandInStore, serving

DOCUMENTS = {name: text for name, text in vars(documents).items() if name.isupper()}


@pytest.fixture(scope="module")
def trimmed():
    return build_schema(TRIMMED_SCHEMA.read_text())


@pytest.fixture(scope="module")
def real(shared_data):
    file = shared_data / "level2" / "metadata_store_schema.graphql"
    if not file.exists():
        pytest.skip(f"no schema of the real store in {file}")
    return build_schema(file.read_text())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_by_the_schema_of_the_real_store(real, name):
    assert validate(real, parse(DOCUMENTS[name])) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_by_the_part_of_the_schema_that_we_have(trimmed, name):
    assert validate(trimmed, parse(DOCUMENTS[name])) == []


def test_a_document_that_selects_within_a_scalar_is_not_valid(trimmed):
    document = parse("{ datasetInventories { health { good } } }")
    (error,) = validate(trimmed, document)
    assert "'health' must not have a selection" in error.message


def test_no_other_document_is_sent():
    with serving(StandInStore([row()])) as store:
        client = MetadataStore(store.url, TOKEN)
        client.dataset_inventories(["BLKGA"], ["pid_1_118"])
        client.experiment_descriptions()
        client.register(RECORD)
        client.inversion(RECORD.inversion_id)
        client.close()
    assert set(store.requests) == set(DOCUMENTS.values())


def ours(schema):
    return [t for name, t in schema.type_map.items() if not name.startswith("__")]


def test_our_part_of_the_schema_is_a_part_of_the_real_one(trimmed, real):
    for ours_ in ours(trimmed):
        theirs = real.type_map[ours_.name]
        assert type(ours_) is type(theirs), ours_.name
        if is_scalar_type(ours_):
            continue
        for name, field in ours_.fields.items():
            assert str(field.type) == str(theirs.fields[name].type), (ours_.name, name)
            if is_input_object_type(ours_):
                assert field.default_value == theirs.fields[name].default_value
            if is_object_type(ours_):
                for argument, described in field.args.items():
                    expected = theirs.fields[name].args[argument]
                    assert str(described.type) == str(expected.type)


def test_our_part_of_the_schema_lacks_nothing_that_the_real_one_requires(trimmed, real):
    for ours_ in filter(is_input_object_type, ours(trimmed)):
        theirs = real.type_map[ours_.name].fields.items()
        required = {name for name, field in theirs if is_required_input_field(field)}
        assert required <= ours_.fields.keys(), ours_.name
