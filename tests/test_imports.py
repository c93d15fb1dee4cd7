"""What is imported when, and which room of the package may know which."""

import ast
import inspect
import re
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path

import click
import pytest

import cvzmpi
from cvzmpi.cli import cli
from cvzmpi.ledger import Ledger
from cvzmpi.runtime.command_line import ALL_RANKS, JOB
from cvzmpi.runtime.command_line import imported as imported_now
from tests.main_job import environment

PACKAGE = Path(cvzmpi.__file__).parent
HEAVY = {"mpi4py", "h5py", "numpy", "scipy", "astropy", "lightkurve", "matplotlib", "celerite2"}
DATABASE = {"sqlalchemy", "alembic", "psycopg"}


def loaded_by(code):
    """Which modules a fresh interpreter has loaded after `code`."""
    report = "import sys\nsys.stderr.write('\\n'.join(sys.modules))"
    outcome = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    return {name.partition(".")[0] for name in outcome.stderr.split()}


def command_line(*arguments):
    """Code that runs the command line and goes on after its exit."""
    return (
        f"import sys\nsys.argv = ['cvzmpi', *{arguments!r}]\nfrom cvzmpi.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None), end.code"
    )


@pytest.mark.parametrize(
    "code",
    ["import cvzmpi", "import cvzmpi.cli", "import cvzmpi.errors", "import cvzmpi.mpi.launch"]
    + [
        command_line(*a)
        for a in (["--help"], ["--version"], ["run", "--help"], ["level2", "--help"])
    ],
)
def test_importing_and_asking_for_help_load_nothing_heavy(code):
    assert "click" in loaded_by("import click")  # the measurement works
    assert not loaded_by(code) & (HEAVY | DATABASE | {"rich"})


def test_the_status_waits_for_neither_sqlalchemy_nor_anything_heavy(tmp_path):
    Ledger.open(tmp_path / "ledger.sqlite").close()
    loaded = loaded_by(command_line("status", "--output", str(tmp_path)))
    assert "sqlite3" in loaded
    assert not loaded & (HEAVY | DATABASE)


def test_the_service_of_level2_and_its_commands_know_neither_mpi_nor_numbers():
    loaded = loaded_by("import cvzmpi.level2.steps, cvzmpi.level2.service.app")
    assert {"flask", "sqlalchemy"} <= loaded
    assert not loaded & (HEAVY | {"dkist", "asdf"})


def test_a_worker_loads_neither_lightkurve_nor_matplotlib():
    code = (
        "import cvzmpi.cvz.commands.run, cvzmpi.cvz.work.stages\n"
        "import cvzmpi.cvz.light_curves.fits_input, cvzmpi.cvz.detection.stella.network"
    )
    loaded = loaded_by(code)
    assert {"mpi4py", "h5py", "numpy"} <= loaded
    assert not loaded & {
        "lightkurve",
        "matplotlib",
        "pandas",
        "requests",
        "tensorflow",
        "stella",
        "sqlalchemy",
    }


# ----------------------------------------------------------------- the rooms of DESIGN.md


def imported(path, package=PACKAGE):
    """(module, line) of everything that a file imports, at whatever depth, as absolute names."""
    tree = ast.parse(path.read_text())
    home = ".".join([package.name, *path.relative_to(package).with_suffix("").parts[:-1]])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = resolve_name("." * node.level + module, home)
            yield module, node.lineno
            # `from cvzmpi import level2` imports cvzmpi.level2
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and is_lazy_import(node.value):
            yield node.value.partition(":")[0], node.lineno


def is_lazy_import(value):
    """Whether a string names, as `module:attribute`, what `imported` imports when it is needed."""
    return isinstance(value, str) and re.fullmatch(r"cvzmpi(\.\w+)+:\w+", value) is not None


def trespasses(room, forbidden, package=PACKAGE):
    """Every import of a forbidden module by a file of a room."""
    directory = package / room if room else package
    files = sorted(directory.rglob("*.py"))
    return {
        f"{path.relative_to(package)}:{line} imports {module}"
        for path in files
        for module, line in imported(path, package)
        if any(module == name or module.startswith(f"{name}.") for name in forbidden)
    }


RULES = {
    **{
        room: ["cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.ledger", "cvzmpi.cli", "cvzmpi.config"]
        for room in ("mpi", "storage", "scheduler")
    },
    "ledger": ["mpi4py", "cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.mpi", "cvzmpi.scheduler"],
    "runtime": ["cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.cli"],
    "cvz": ["cvzmpi.level2", "cvzmpi.cli"],
    "level2": ["cvzmpi.cvz", "cvzmpi.cli"],
}


@pytest.mark.parametrize("room", RULES)
def test_a_room_imports_nothing_that_it_must_not_know(room):
    if not (PACKAGE / room).is_dir():
        pytest.skip(f"there is no cvzmpi/{room} yet")
    assert trespasses(room, RULES[room]) == set()


def test_how_a_configuration_is_read_knows_no_campaign():
    campaigns = ("cvzmpi.cvz", "cvzmpi.level2")
    modules = {module for module, _ in imported(PACKAGE / "config.py")}
    assert "pydantic" in modules
    assert not {module for module in modules if module.startswith(campaigns)}


def test_nobody_imports_stella_or_tensorflow():
    assert trespasses("", ["stella", "tensorflow", "tf_keras"]) == set()


def test_lightkurve_is_imported_by_its_own_process_and_by_who_makes_its_objects():
    client, reading = "cvz/archive/lightkurve_client.py", "cvz/results/products/reading.py"
    importers = {t.partition(":")[0] for t in trespasses("", ["lightkurve", "astroquery"])}
    assert importers == {client, reading}
    # nobody imports the process's module: it is started
    assert trespasses("", ["cvzmpi.cvz.archive.lightkurve_client"]) == set()
    # and the method imports it only when it is called
    assert "astropy" in loaded_by("import cvzmpi.cvz.results.products.reading")
    assert "lightkurve" not in loaded_by("import cvzmpi.cvz.results.products.reading")


def test_one_place_of_a_campaign_asks_the_network():
    importers = trespasses("cvz", ["requests", "urllib3", "urllib.request", "http.client"])
    assert {trespass.partition(":")[0] for trespass in importers} == {
        "cvz/archive/http/client.py",
        "cvz/archive/http/connections.py",
    }


def test_only_the_pictures_import_matplotlib():
    files = {t.partition(":")[0] for t in trespasses("", ["matplotlib"])}
    assert {file.rpartition("/")[0] for file in files} == {"cvz/results/pictures"}


def test_only_the_engine_starts_mpi():
    assert {t.partition("/")[0] for t in trespasses("", ["mpi4py"])} == {"mpi"}


@pytest.mark.parametrize(
    "line",
    [
        "import cvzmpi.cvz.work.stages",
        "from cvzmpi.cvz import stages",
        "from cvzmpi import cvz",
        "from ..cvz import stages",
        "def f():\n    from cvzmpi.cvz.work.stages import Tools",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cvzmpi.cvz.work.stages",
        "run = lazy_command('cvzmpi.cvz.work.stages:Tools', 'Work.')",
    ],
)
def test_the_check_of_the_rooms_sees_every_way_to_import(tmp_path, line):
    package = tmp_path / "cvzmpi"
    (package / "mpi").mkdir(parents=True)
    (package / "mpi" / "module.py").write_text(line)
    assert len(trespasses("mpi", ["cvzmpi.cvz"], package)) >= 1
    assert trespasses("mpi", ["cvzmpi.level2"], package) == set()


# ----------------------------------------------------------------- what is imported by its name


def lazy_imports():
    """Every `module:attribute` in the package."""
    trees = (ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py"))
    constants = (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant))
    return sorted({constant.value for constant in constants if is_lazy_import(constant.value)})


def test_whatever_is_imported_by_its_name_is_there():
    names = lazy_imports()
    assert "cvzmpi.cvz.commands.run:run" in names
    for name in names:
        assert callable(imported_now(name))


def commands(group, path=()):
    """Every command of a group and of the groups in it, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_body_of_a_command_takes_what_its_declaration_gives(words):
    command = COMMANDS[words]
    if isinstance(command, click.Group):
        pytest.skip("it has no body")
    given = {parameter.name for parameter in command.params}
    started = [None] if command.start in {JOB, ALL_RANKS} else []
    body = imported_now(command.body)
    if hasattr(body, "__wrapped__"):  # it gets the campaign of these options
        given -= {"file", "settings"}
        started = [None]
    inspect.signature(body).bind(*started, **dict.fromkeys(given))


def test_help_loads_declarations_and_nothing_else_of_ours():
    lines = ["from cvzmpi.cli import cli"]
    lines += [f"cli.main({[*words, '--help']}, standalone_mode=False)" for words in COMMANDS]
    report = "print(*(name for name in sys.modules if name.startswith('cvzmpi')), file=sys.stderr)"
    code = "\n".join(["import sys", *lines, report])
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {"cvzmpi", "cvzmpi.cvz", "cvzmpi.cvz.commands", "cvzmpi.level2", "cvzmpi.runtime"}
    assert set(ended.stderr.split()) - packages == {
        "cvzmpi.cli",
        "cvzmpi.cvz.commands.command_line",
        "cvzmpi.errors",
        "cvzmpi.given_path",
        "cvzmpi.level2.commands",
        "cvzmpi.level2.commands.command_line",
        "cvzmpi.redaction",
        "cvzmpi.runtime.command_line",
    }
