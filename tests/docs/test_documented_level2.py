"""Blocks of the pages about Level 2: maps, programs, the API of the service, ready events."""

import json
import re
import shutil
import subprocess

import pytest

from cvzmpi.ledger import Ledger
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.programs.catalogue import Catalogue
from tests.docs.code_blocks import blocks_tested_by
from tests.level2.example_product import make_example
from tests.level2.example_rows import OP, calcium
from tests.level2.invertible_programs import make_invertible
from tests.level2.service.served import SECRET, served
from tests.level2.stand_in_store import TOKEN, StandInStore, serving

HERE = "tests/docs/test_documented_level2.py"
BLOCKS = {
    name: blocks_tested_by(f"{HERE}::test_{name}")
    for name in (
        "maps_are_prepared_inverted_and_written",
        "maps_are_drawn",
        "a_map_is_inverted_on_three_ranks",
        "the_programs_of_a_campaign_are_inverted_in_teams",
        "programs_talk_to_the_service",
        "a_ready_event_is_read",
    )
}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A Level 1 dataset with the product that was made of it."""
    return make_example(tmp_path_factory.mktemp("example"))


@pytest.fixture
def bash(documented_environment, tmp_path):
    """Run commands; what they printed."""

    def bash(commands, **more):
        ended = subprocess.run(
            ["bash", "-euc", commands],
            cwd=tmp_path,
            env=documented_environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return bash


def test_maps_are_prepared_inverted_and_written(example, bash, tmp_path):
    (block,) = BLOCKS["maps_are_prepared_inverted_and_written"]
    prepare, invert, write = block.commands
    (path,) = bash(prepare.replace("LEVEL1_DIR", str(example.level1))).split()
    name = path.rpartition("/")[2].removesuffix(".prepared.h5")
    bash(invert)
    bash(write.replace("LEVEL1_DIR", str(example.level1)).replace("ABCDEF_000", name))
    assert len(list((tmp_path / "product").glob("*.asdf"))) == 1


def test_maps_are_drawn(example, bash, tmp_path):
    (block,) = BLOCKS["maps_are_drawn"]
    for directory in (example.prepared.parent, example.inverted.parent, example.product):
        shutil.copytree(directory, tmp_path / directory.name)
    name = example.inverted.name.removesuffix(".inverted.h5")
    printed = bash(block.text.replace("ABCDEF_000", name))
    assert printed.split() == ["maps.png", "velocity.pdf", "pixel.png"]
    assert all((tmp_path / picture).stat().st_size > 0 for picture in printed.split())


def test_a_map_is_inverted_on_three_ranks(bash, tmp_path):
    (block,) = BLOCKS["a_map_is_inverted_on_three_ranks"]
    bash("cvzmpi level2 simulate prepared --steps 2 --slit 10 --maps 1")
    bash(block.text)
    assert len(list((tmp_path / "inverted_on_three").glob("*.h5"))) == 1


def test_the_programs_of_a_campaign_are_inverted_in_teams(example, bash, tmp_path):
    (block,) = BLOCKS["the_programs_of_a_campaign_are_inverted_in_teams"]
    with serving(StandInStore()) as store:
        store.datasets = [example.row(), calcium()]
        shutil.copytree(example.level1, tmp_path / "level1" / example.dataset_id)
        (tmp_path / "cvzmpi.toml").write_text(f'[store]\nurl = "{store.url}"\nretries = 0\n')
        for step in ("scan", "qualify", "preprocess"):
            bash(f"cvzmpi level2 {step}", CVZMPI_STORE_AUTHORIZATION=TOKEN)
        assert f"{OP}: inverted, " in bash(block.text)


def test_programs_talk_to_the_service(bash, tmp_path):
    (block,) = BLOCKS["programs_talk_to_the_service"]
    location = tmp_path / "ledger.sqlite"
    with Ledger.open(location) as ledger:
        make_invertible(Catalogue(ledger), ledger.jobs.begin("test"), OP)
    with (
        serving(StandInStore()) as store,
        served(str(location), store, tmp_path) as (address, _),
    ):
        listed, one, reserved = (
            bash(
                command.replace("http://127.0.0.1:8080", address).replace("PROGRAM", OP)
                + " --silent --fail",
                CVZMPI_SERVE_TOKEN=SECRET,
            )
            for command in block.commands
        )
    assert [program["name"] for program in json.loads(listed)] == [OP]
    assert json.loads(one)["name"] == OP
    assert json.loads(reserved) == {"done": "reserve", "program": OP}


def test_a_ready_event_is_read(tmp_path):
    (block,) = BLOCKS["a_ready_event_is_read"]
    assert block.info == "json"
    path = tmp_path / "event.json"
    path.write_text(block.text)
    event = ReadyEvent.read(path)
    assert re.fullmatch(r"eid_\S+", event.program)
    assert event.by == "Jane"
