"""Every code block of the README and of the pages is run, or read, by a test or by the build."""

import re
import subprocess
import sys

import pytest
from pygments.lexers import get_lexer_by_name

from cvzmpi.config import load_as
from cvzmpi.cvz.configuration import Config
from tests.docs.code_blocks import PAGES, ROOT, blocks_of, skeleton

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
NAMED = [block for block in BLOCKS if block.how == "tested"]
EXCERPTS = [block for block in BLOCKS if block.how == "excerpt"]
HERE = [block for block in BLOCKS if block.how is None and not block.info.startswith("{")]
RUN = ("sh", "python", "text")


def ids(block):
    return block.name


def test_the_blocks_of_all_pages_are_found():
    n_fences = sum(
        len(re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)) for page in PAGES
    )
    assert len(BLOCKS) * 2 == n_fences
    assert {"README.md", "first-flares.md", "results.md"} <= {b.page.name for b in BLOCKS}


@pytest.mark.parametrize("block", HERE, ids=ids)
def test_a_block_that_names_no_test_is_of_a_kind_that_is_tested_here(block):
    assert block.info in {*RUN, "toml"}, f"{block.name}: {block.info!r}"


@pytest.mark.parametrize("block", [b for b in BLOCKS if not b.info.startswith("{")], ids=ids)
def test_the_build_knows_the_language_of_a_block(block):
    get_lexer_by_name(block.info)  # raises ClassNotFound, which is a warning of the build


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.info.startswith("{code-cell}")], ids=ids)
def test_cells_are_on_pages_that_the_build_executes(block):
    assert block.page.read_text(encoding="utf-8").startswith("---\nfile_format: mystnb\n")
    assert "skip-execution" not in block.text
    assert "raises-exception" not in block.text


@pytest.mark.parametrize("block", EXCERPTS, ids=ids)
def test_an_excerpt_stands_in_its_file(block):
    assert block.text in (ROOT / block.where).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", NAMED, ids=ids)
def test_a_test_that_is_named_exists_and_runs_what_the_block_says(block):
    """It contains the commands, or takes them from the page."""
    file, _, function = block.where.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    if function:
        assert re.search(rf"^def {function}\(", text, re.MULTILINE)
    if "blocks_tested_by(" in text and file in text:
        return
    words = " ".join(re.sub("[\"']", "", text).split())
    for command in block.commands if block.info == "sh" else [" ".join(block.text.split())]:
        assert re.sub("[\"']", "", command) in words, f"{block.name}: {command}"


@pytest.mark.parametrize("block", [b for b in HERE if b.info == "toml"], ids=ids)
def test_settings_are_a_configuration(block, tmp_path):
    file = tmp_path / "cvzmpi.toml"
    file.write_text(block.text)
    assert load_as(Config, file) != Config()


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.page == page and b.info in RUN for b in HERE)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_runs_from_its_first_command_to_its_last(page, prepared, documented_environment):
    """What it shows as output, the commands before it print, but for the numbers."""
    directory, printed = prepared(page), ""
    for block in [b for b in HERE if b.page == page and b.info in RUN]:
        if block.info == "text":
            for line in block.text.splitlines():
                assert skeleton(line) in skeleton(printed), f"{block.name}: {line}\n{printed}"
            continue
        command = (
            ["bash", "-euo", "pipefail", "-c"] if block.info == "sh" else [sys.executable, "-c"]
        )
        ended = subprocess.run(
            [*command, block.text],
            cwd=directory,
            env=documented_environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = ended.stdout + ended.stderr
        assert ended.returncode == 0, f"{block.name}\n{printed}"
