"""The README and the pages are true: snippets run, commands, settings, files and pages exist."""

import re
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from cvzmpi.cvz.configuration import Config
from tests.docs.code_blocks import PAGES as CODE_PAGES

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for page in CODE_PAGES if page.name != "CHANGELOG.md"]
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
USERS = [
    p for p in PAGES if p.stem in {"README", "quickstart", "input", "results", "kills", "ledger"}
]
ALL = "\n".join(TEXTS.values())


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A sector file as the pages' commands make it."""
    directory = tmp_path_factory.mktemp("docs")
    python = [sys.executable, "-m", "cvzmpi"]
    simulate = ["simulate", directory / "input", "--stars", "1", "--cadences", "3000"]
    run = ["run", "--input", directory / "input", "--output", directory / "output"]
    settings = ["--set", "inject.n_inject=80", "--set", "inject.n_repeat=2"]
    for arguments in (simulate, [*run, *settings]):
        subprocess.run([*python, *arguments], check=True, capture_output=True)
    (file,) = (directory / "output").glob("*/*.h5")
    return file


def test_every_dataset_of_the_file_is_described(path):
    def describe(name, item):
        group = name.partition("/")[0]
        (row,) = re.findall(rf"^\| `/{group}` .*$", RESULTS, re.MULTILINE)
        if isinstance(item, h5py.Dataset) and not name.endswith(("_time",)):
            assert name.rpartition("/")[2].removesuffix("_error") in row
            assert "units" in item.attrs

    with h5py.File(path) as file:
        file.visititems(describe)


def test_the_settings_that_are_named_exist():
    known = set(Config().science()) | {"ranks_per_team", "input.targets", "input.directory"}
    known |= {"input.columns", "input.products"}
    known |= {"checkpoint.interval", "job.drain_before_end", "job.max_attempts"}
    known |= {"detect.search", "ledger.lease", "ledger.patience", "ledger.url"}
    named = set()
    setting = r"`((?:inject|input|job|checkpoint|detect|model|ledger)\.[a-z_]+)`"
    for page in USERS:
        named |= set(re.findall(setting, TEXTS[page]))
        named |= set(re.findall(r"--set ([a-z_.]+)=", TEXTS[page]))
    assert "ledger.patience" in named
    assert named - {"ledger.sqlite"} <= known


def test_the_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", ALL, re.MULTILINE))
    assert {"demo", "test", "torture"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_pictures_and_headings_that_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
            assert heading in slugs, target


def test_every_page_is_reached_from_the_readme():
    reached, new = set(), {ROOT / "README.md"}
    while new:
        page = new.pop()
        reached.add(page)
        text = page.read_text(encoding="utf-8")
        entries = re.findall(r"^([\w/-]+)$", text.partition("```{toctree}")[2], re.MULTILINE)
        included = re.findall(r"^```\{include\} (\S+)$", text, re.MULTILINE)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", text) + [f"{entry}.md" for entry in entries]
        for target in [*targets, *included]:
            linked = (page.parent / target).resolve()
            if linked.exists() and linked not in reached:
                new.add(linked)
    assert set(PAGES) <= reached


def test_the_readme_is_short():
    assert len(TEXTS[ROOT / "README.md"].splitlines()) <= 130


def test_the_files_of_the_package_that_are_named_exist():
    named = set(re.findall(r"`((?:cvzmpi|tests|tools|jobs)/[\w/.-]+)`", ALL))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def where_is():
    """Each question of the table "Where is what", and its answer."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Where is what")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| (.+\?) \| (.+) \|$", section, re.MULTILINE))


def test_the_questions_of_newcomers_are_answered():
    assert len(where_is()) >= 12


@pytest.mark.parametrize("question", where_is())
def test_an_answer_is_three_files_at_most_that_define_what_it_names(question):
    answer = where_is()[question]
    places = re.findall(r"`([\w/.-]+/[\w.-]+)`(?: \(([^)]*)\))?", answer)
    assert 1 <= len(places) <= 3
    for file, within in places:
        content = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", within):
            for part in name.split("."):
                assert re.search(rf"^ *(?:class |def )?{part}\b", content, re.MULTILINE), name
