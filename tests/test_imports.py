"""What is imported when, and that imports go downwards only, between folders as between modules."""

import ast
import inspect
import re
import subprocess
import sys
from collections import Counter
from importlib.util import resolve_name
from pathlib import Path

import click
import pytest

import cvzmpi
from cvzmpi.cli import cli
from cvzmpi.ledger import Ledger
from cvzmpi.runtime.command_line import ALL_RANKS, JOB
from cvzmpi.runtime.command_line import imported as imported_now
from tools.harness.job_process import environment

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
        "import cvzmpi.scheduler.job, cvzmpi.cvz.commands.run, cvzmpi.cvz.work.stages\n"
        "import cvzmpi.cvz.light_curves.fits_input, cvzmpi.cvz.detection.stella.network"
    )
    loaded = loaded_by(code)
    assert {"h5py", "numpy"} <= loaded
    assert not loaded & {
        "lightkurve",
        "matplotlib",
        "pandas",
        "requests",
        "tensorflow",
        "stella",
        "sqlalchemy",
    }


# ----------------------------------------------------------------- the layout

TOOLS = PACKAGE.parent / "tools"

# Of the package, from the bottom to the top: none imports one that comes later. A name stands for
# the module, or for the folder and all in it that has no line of its own.
ORDER = [
    *("messages", "errors", "extras", "estimates", "software", "regular_file", "text_file"),
    *("given_path", "job_scripts", "other_program", "pictures", "web"),
    *("config_faults", "config", "mpi", "storage", "scheduler"),
    *("ledger.db", "ledger", "ledger.client", "ledger.status", "runtime"),
    *("dashboard.look", "dashboard.parts", "dashboard"),
    *(
        "cvz.address",
        "cvz.product_names",
        "cvz.archive_configuration",
        "cvz.configuration",
        "cvz.light_curves",
        "cvz.target_list",
        "cvz.quiet_star",
        "cvz.injection.flare_shape",
        "cvz.detection",
        "cvz.injection",
        "cvz.reliability",
    ),
    *("cvz.sector_file", "cvz.quality"),
    *("cvz.archive.http", "cvz.archive.listings", "cvz.archive.scratch", "cvz.archive"),
    *(
        "cvz.simulation",
        "cvz.stand_in_archive",
        "cvz.work",
        "cvz.new_campaign",
        "cvz.checkup",
    ),
    *(
        "cvz.results.products",
        "cvz.results.index",
        "cvz.results.pictures",
        "cvz.results.views",
        "cvz.results.report",
    ),
    *("cvz.results", "cvz.in_memory", "cvz.commands"),
    *("level2.settings", "level2", "level2.spectroscopy"),
    *(
        "level2.metadata_store",
        "level2.programs",
        "level2.configuration",
        "level2.maps",
        "level2.fitting",
        "level2.pixels",
        "level2.neighbours",
        "level2.inversion",
    ),
    *(
        "level2.disambiguation",
        "level2.product",
        "level2.desire",
        "level2.handing_in",
        "level2.transfers",
        "level2.fetching",
        "level2.interservice_bus",
        "level2.publication",
    ),
    *("level2.pictures", "level2.steps", "level2.views", "level2.service", "level2.commands"),
    *("cli", "__main__", ""),
]

MOST_LINES = 300
REASON_FOR_MORE = "one module since"
MOST_MODULES = 14
MOST_IMPORTS_INSIDE_FUNCTIONS = 60


def modules(*folders):
    """Path of every module in some folders, by its name."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(known):
    """Which of the known modules each of them imports, at whatever depth."""
    found = {name: set() for name in known}
    for name, path in known.items():
        root = path.parents[name.count(".") + (path.name == "__init__.py")] / name.split(".")[0]
        for module, _ in imported(path, root):
            # a name in a module is the module's; the version is the package's, and anybody's
            while module not in known and "." in module and module != "cvzmpi.__version__":
                module = module.rpartition(".")[0]
            if module in known and module != name:
                found[name].add(module)
    return found


def level(module):
    """The place in `ORDER` of a module of the package."""
    name = module.removeprefix("cvzmpi").removeprefix(".")
    while name not in ORDER:
        name = name.rpartition(".")[0]
    return ORDER.index(name)


def circles(graph):
    """Groups of modules that import each other, on whatever ways."""
    reached = {}
    for start in graph:
        reached[start], waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - reached[start]
            reached[start] |= new
            waiting += new
    return {frozenset(b for b in reached[a] if a in reached[b]) for a in graph if a in reached[a]}


def test_imports_go_downwards_only():
    upwards = {
        f"{importer} imports {module}"
        for importer, imported_ones in imports(modules(PACKAGE)).items()
        for module in imported_ones
        if level(module) > level(importer)
    }
    assert upwards == set()


def test_the_order_names_what_there_is():
    names = {f"cvzmpi.{name}" for name in ORDER if name}
    assert names <= modules(PACKAGE).keys()


@pytest.mark.parametrize("folder", [PACKAGE, TOOLS], ids=["package", "tools"])
def test_no_two_modules_import_each_other(folder):
    assert circles(imports(modules(folder))) == set()


def test_a_circle_is_seen(tmp_path):
    for name, line in {
        "a": "from .b import x",
        "b": "import tools.c",
        "c": "import tools.a",
    }.items():
        (tmp_path / "tools").mkdir(exist_ok=True)
        (tmp_path / "tools" / f"{name}.py").write_text(line)
    found = circles(imports(modules(tmp_path / "tools")))
    assert found == {frozenset({"tools.a", "tools.b", "tools.c"})}


def test_no_folder_has_more_modules_than_one_takes_in():
    files = [path for path in modules(PACKAGE, TOOLS).values() if path.name != "__init__.py"]
    count = Counter(path.parent.relative_to(PACKAGE.parent) for path in files)
    assert {folder: n for folder, n in count.items() if n > MOST_MODULES} == {}


def test_a_module_that_is_long_says_why_in_its_head():
    long = {}
    for name, path in modules(PACKAGE, TOOLS).items():
        text = path.read_text()
        head = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
        if len(text.splitlines()) > MOST_LINES and REASON_FOR_MORE not in head:
            long[name] = len(text.splitlines())
    assert long == {}


def imports_inside_functions(path):
    """The lines of a file where a function imports something."""
    tree = ast.parse(path.read_text())
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


def test_few_imports_are_inside_functions():
    inside = {
        name: lines
        for name, path in modules(PACKAGE, TOOLS).items()
        if (lines := imports_inside_functions(path))
    }
    assert sum(map(len, inside.values())) < MOST_IMPORTS_INSIDE_FUNCTIONS, inside


def imported(path, package=PACKAGE):
    """(name, line) of everything that a file imports, at whatever depth, as absolute names."""
    tree = ast.parse(path.read_text())
    home = ".".join([package.name, *path.relative_to(package).with_suffix("").parts[:-1]])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = resolve_name("." * node.level + module, home)
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


# Beside the order: what a folder must not know though it lies above it.
RULES = {
    **{
        room: ["cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.ledger", "cvzmpi.cli"]
        for room in ("mpi", "storage", "scheduler")
    },
    "ledger": ["mpi4py", "cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.mpi", "cvzmpi.scheduler"],
    "runtime": ["cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.cli"],
    "dashboard": ["cvzmpi.cvz", "cvzmpi.level2", "cvzmpi.cli", "cvzmpi.mpi", "cvzmpi.scheduler"],
    "cvz": ["cvzmpi.level2", "cvzmpi.cli"],
    "level2": ["cvzmpi.cvz", "cvzmpi.cli"],
}


@pytest.mark.parametrize("room", RULES, ids=lambda room: f"cvzmpi-{room}")
def test_a_room_imports_nothing_that_it_must_not_know(room):
    assert (PACKAGE / room).is_dir()
    assert trespasses(room, RULES[room]) == set()


def test_how_a_configuration_is_read_knows_no_campaign():
    campaigns = ("cvzmpi.cvz", "cvzmpi.level2")
    names = {name for name, _ in imported(PACKAGE / "config.py")}
    assert "pydantic.BaseModel" in names
    assert not {name for name in names if name.startswith(campaigns)}


def test_nobody_imports_stella_or_tensorflow():
    assert trespasses("", ["stella", "tensorflow", "tf_keras"]) == set()


def test_lightkurve_is_imported_by_its_own_process_and_by_who_makes_its_objects():
    client, making = "cvz/archive/lightkurve_client.py", "cvz/results/views/tess_light_curve.py"
    naming = "cvz/results/views/sector_file.py"  # the type of what its method returns
    importers = {t.partition(":")[0] for t in trespasses("", ["lightkurve", "astroquery"])}
    assert importers == {client, making, naming}
    # nobody imports the process's module: it is started
    assert trespasses("", ["cvzmpi.cvz.archive.lightkurve_client"]) == set()
    # and the method imports it only when it is called
    assert "astropy" in loaded_by("import cvzmpi.cvz.results.views.sector_file")
    assert "lightkurve" not in loaded_by("import cvzmpi.cvz.results.views.sector_file")


def test_one_place_of_a_campaign_asks_the_network():
    importers = trespasses("cvz", ["requests", "urllib3", "urllib.request", "http.client"])
    assert {trespass.partition(":")[0] for trespass in importers} == {
        "cvz/archive/http/client.py",
        "cvz/archive/http/connections.py",
    }


def test_only_the_pictures_import_matplotlib():
    files = {t.partition(":")[0] for t in trespasses("", ["matplotlib"])}
    folders = {"pictures", "cvz/results/pictures", "level2/pictures"}
    assert {file.rpartition("/")[0] for file in files} == folders


def test_one_module_imports_mpi():
    assert {t.partition(":")[0] for t in trespasses("", ["mpi4py"])} == {"mpi/library.py"}


def test_a_process_that_is_alone_loads_no_mpi():
    code = (
        "from cvzmpi.mpi.launch import World\nfrom cvzmpi.mpi.team import Team\n"
        "assert World.alone().form_team(3).size == Team.alone().size == 1\n"
        "import cvzmpi.scheduler.job, cvzmpi.scheduler.worker"
    )
    assert "mpi4py" not in loaded_by(code)
    assert "mpi4py" in loaded_by("from cvzmpi.mpi.library import mpi\nmpi()")


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
        "cvzmpi.cvz.commands.ledger",
        "cvzmpi.cvz.commands.ledger.command_line",
        "cvzmpi.cvz.commands.setup",
        "cvzmpi.cvz.commands.setup.command_line",
        "cvzmpi.errors",
        "cvzmpi.extras",
        "cvzmpi.given_path",
        "cvzmpi.level2.commands",
        "cvzmpi.level2.commands.command_line",
        "cvzmpi.level2.commands.map_command_line",
        "cvzmpi.messages",
        "cvzmpi.messages.redaction",
        "cvzmpi.runtime.command_line",
        "cvzmpi.runtime.run_by_default",
        "cvzmpi.messages.wording",
    }
