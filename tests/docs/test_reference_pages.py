"""The pages that are made from the code say something about everything."""

import click
import pytest

from cvzmpi.cli import CAMPAIGNS, cli
from cvzmpi.cvz.configuration import Config
from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.runtime.command_line import imported
from tools.reference_pages import write_pages
from tools.reference_pages.citing import citing_page
from tools.reference_pages.commands import commands_page
from tools.reference_pages.errors import all_errors, errors_page, remedy
from tools.reference_pages.settings import settings_page


def rows(page):
    """The first cell of each row of the tables."""
    cells = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0].removeprefix("| ").strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_error_says_what_to_do_about_it(error):
    assert len(remedy(error)) > 10
    assert remedy(error) in errors_page()


def test_the_errors_are_those_of_the_module():
    assert len(all_errors()) > 20
    assert all(issubclass(error, CvzmpiError) for error in all_errors())
    status = {name: row[1] for name, row in rows(errors_page()).items()}
    assert (status["ConfigError"], status["MachineError"]) == ("2", "75")


def test_every_setting_is_there_with_default_and_meaning():
    page = rows(settings_page())
    for config in (Config(), Level2Config()):
        for section, values in config.model_dump().items():
            names = (
                [f"{section}.{key}" for key in values] if isinstance(values, dict) else [section]
            )
            for name in names:
                default, meaning, may_change = page[name]
                assert default.startswith(("`", "none"))
                assert len(meaning) > 5
                assert may_change in {"yes |", "no |"}


def test_what_results_depend_on_may_not_change_and_units_are_named():
    page = rows(settings_page())
    fixed = {name for name, row in page.items() if row[-1] == "no |"}
    assert Config().science().keys() <= fixed
    assert "detect.search" not in fixed
    assert page["job.drain_before_end"][0] == "`120.0` s"
    assert page["archive.scratch_gb"][0] == "`20.0` GB"
    assert page["model.max_period"][0] == "`27.0` d"


def test_every_command_is_there_with_its_options():
    page = commands_page()
    level2 = imported(CAMPAIGNS["level2"])
    groups = {"cvzmpi": cli, "cvzmpi level2": level2}
    for prefix, group in groups.items():
        for name, command in group.commands.items():
            assert f"### `{prefix} {name}`" in page
            for parameter in command.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert parameter.opts[-1] in page
    # click keeps the option of help as it was first made, for the command line itself as well
    assert page.count("| `-h, --help` |") == page.count("\n### ")


def test_the_citation_is_that_of_the_repository():
    page = citing_page()
    assert "@software{cvzmpi," in page
    assert "10.3847/1538-3881/abac0a" in page


def test_pages_are_written_where_they_changed_only(tmp_path):
    write_pages(tmp_path)
    path = tmp_path / "errors.md"
    before = path.stat().st_mtime_ns
    (tmp_path / "settings.md").write_text("old")
    write_pages(tmp_path)
    assert path.stat().st_mtime_ns == before
    assert (tmp_path / "settings.md").read_text() == settings_page()
