"""The command line: what a command means, what it prints, and its exit status."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cvzmpi import __version__
from cvzmpi.cli import CAMPAIGNS, ENTRY_POINTS, cli
from cvzmpi.config import tomllib
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.errors import ConfigError
from tools.harness.job_process import environment, start

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def runs(monkeypatch):
    """What `run` is called with, instead of running."""
    calls = []
    monkeypatch.setattr(cli.commands["run"], "callback", lambda **given: calls.append(given) or 0)
    return calls


# ----------------------------------------------------------------- run is meant


@pytest.mark.parametrize("arguments", [[], ["run"]])
def test_without_a_command_run_is_meant(call, runs, arguments):
    assert call(*arguments)[0] == 0
    nothing = dict.fromkeys(("file", "input_directory", "targets", "output_directory"))
    assert runs == [nothing | {"settings": ()}]


@pytest.mark.parametrize("arguments", [["my.toml"], ["run", "my.toml"]])
def test_a_file_alone_is_run(call, runs, arguments):
    call(*arguments)
    assert [given["file"] for given in runs] == [Path("my.toml")]


def test_options_alone_are_those_of_run(call, runs):
    call("--input", "in", "--output", "out", "--set", "seed=7", "--set", "a.b=c=d")
    assert runs == [
        {
            "file": None,
            "input_directory": Path("in"),
            "targets": None,
            "output_directory": Path("out"),
            "settings": ("seed=7", "a.b=c=d"),
        }
    ]


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_exit_status_is_that_of_the_run(call, monkeypatch, status):
    monkeypatch.setattr(cli.commands["run"], "callback", lambda **given: status)
    assert call() == (status, "", "")


@pytest.mark.parametrize("arguments", [["cvz"], ["cvz", "my.toml"], ["cvz", "run", "my.toml"]])
def test_cvz_is_the_campaign_that_is_meant_without_a_name(call, runs, arguments):
    call(*arguments)
    expected = Path("my.toml") if "my.toml" in arguments else None
    assert [given["file"] for given in runs] == [expected]


# ----------------------------------------------------------------- campaigns of other packages


def install(directory, package, entry_points, **modules):
    """Put a package where a Python with `directory` on its path finds it, as pip would."""
    metadata = directory / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[cvzmpi.campaigns]\n{entry_points}\n")
    for name, code in modules.items():
        (directory / f"{name}.py").write_text(code)


@pytest.fixture
def others(tmp_path):
    """Packages with campaigns: one that works, two that do not; call cvzmpi beside them."""
    install(
        tmp_path,
        "toy-survey",
        "toy = toy_survey:toy",
        toy_survey=(
            "import click\n@click.group()\ndef toy():\n    pass\n"
            "@toy.command()\n@click.argument('name')\n"
            "def greet(name):\n    click.echo(f'hello {name}')\n    return 1\n"
        ),
    )
    install(
        tmp_path, "bad-survey", "bad = bad_survey:it", bad_survey="raise ValueError('no\\nluck')"
    )
    install(tmp_path, "odd-survey", "odd = odd_survey:it\nrun = odd_survey:it", odd_survey="it = 7")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"

    def cvzmpi(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "cvzmpi", *arguments],
            capture_output=True,
            text=True,
            env=environment() | {"PYTHONPATH": path},
            cwd=tmp_path,
        )

    return cvzmpi


def test_another_package_brings_a_campaign(others):
    ended = others("toy", "greet", "Ada")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "hello Ada\n", "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("bad", "ValueError: no luck"), ("odd", "odd_survey:it is no click command")],
)
def test_a_broken_package_is_one_line_that_names_it(others, name, reason):
    ended = others(name, "run")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"cvzmpi: {name}: package {name}-survey 1.0 is broken: {reason}\n"


def test_packages_that_are_broken_cost_the_others_nothing(others):
    ended = others("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = others("run", "gone.toml")
    assert ended.stderr == "cvzmpi: gone.toml: no such configuration file\n"


def test_the_entry_points_of_this_package_are_the_campaigns_that_it_knows():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["entry-points"][ENTRY_POINTS] == CAMPAIGNS


# ----------------------------------------------------------------- errors


def test_an_error_for_the_user_is_its_lines_and_status_2(call, monkeypatch):
    def fail(**given):
        raise ConfigError("my.toml: seed = 'x': expected a whole number\nmy.toml: unknown key 'y'")

    monkeypatch.setattr(cli.commands["run"], "callback", fail)
    assert call() == (
        2,
        "",
        "cvzmpi: my.toml: seed = 'x': expected a whole number\ncvzmpi: my.toml: unknown key 'y'\n",
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--outptu", "x"], "--outptu"),
        (["run", "a.toml", "b.toml"], "b.toml"),
        (["show"], "name the directory of the sector files"),
        (["simulate", "x", "--stars", "many"], "'many'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(call, arguments, expected):
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("cvzmpi: ")
    assert expected in line


def test_an_interrupted_command_has_the_status_of_an_interrupt(call, monkeypatch):
    def interrupt(**given):
        raise click.Abort

    monkeypatch.setattr(cli.commands["run"], "callback", interrupt)
    assert call()[0] == 130


# ----------------------------------------------------------------- the other commands


def test_ctrl_c_ends_a_command_that_waits_in_one_line(tmp_path):
    (tmp_path / "stars.csv").write_text("TICID\n1\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "cvzmpi.toml").write_text(
            f'[archive]\ntargets = "stars.csv"\naddress = "{address}"\n'
            f'listings = "{address}/{{sector}}"\n'
        )
        process = start(["scan"], cwd=tmp_path)
        silent.accept()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    *waits, last = filter(None, stderr.splitlines())
    assert last == "cvzmpi: interrupted"
    assert all(line.startswith("cvzmpi: waiting for the archive: ") for line in waits)


def test_help_names_every_command_and_version_the_version(call):
    status, out, _ = call("--help")
    assert status == 0
    for name in ("run", "models", "config", "simulate", "show", "plot"):
        assert f"\n  {name} " in out
    assert call("--version") == (0, f"cvzmpi, version {__version__}\n", "")


def groups(group, words=()):
    """A group of commands and all groups in it, each with the words that call it."""
    yield words, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from groups(command, (*words, name))


@pytest.mark.parametrize(("words", "group"), list(groups(cli)), ids=str)
def test_no_line_about_a_command_is_cut(call, monkeypatch, words, group):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = call(*words, "--help")
    assert status == 0
    listed = out.partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    context = click.Context(group)
    names = group.list_commands(context)
    shown = [name for name in names if not group.get_command(context, name).hidden]
    assert [line.split()[0] for line in listed] == shown
    assert not [line for line in listed if line.endswith("...")]


def test_config_prints_a_file_that_means_the_defaults(call, tmp_path):
    status, out, _ = call("config")
    assert status == 0
    (tmp_path / "cvzmpi.toml").write_text(out)
    assert load(tmp_path / "cvzmpi.toml").science() == Config().science()


def test_models_from_something_else_are_one_line(call, tmp_path):
    (tmp_path / "stella-0.1.0.tar.gz").write_text("no archive")
    file = tmp_path / "models.npz"
    status, _, err = call("models", "--sdist", tmp_path / "stella-0.1.0.tar.gz", "--file", file)
    assert status == 2
    (line,) = err.splitlines()
    assert "not the source of stella 0.1.0" in line
    assert not file.exists()


def test_simulate_writes_the_files_that_it_names(call, tmp_path):
    arguments = ["simulate", tmp_path, "--stars", 2, "--sectors", 2, "--cadences", 400]
    status, out, _ = call(*arguments, "--seed", 3)
    assert status == 0
    files = [Path(line) for line in out.splitlines()]
    assert sorted(files) == sorted(tmp_path.glob("*.fits"))
    light_curves = [read_light_curve(file) for file in files]
    assert len({(lc.tic, lc.sector) for lc in light_curves}) == 4
    assert {lc.n_cadences for lc in light_curves} == {400}
    # again with another seed: nothing is overwritten
    status, _, err = call(*arguments, "--seed", 4)
    assert status == 2
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("cadences", [0, 9, -5])
def test_simulate_refuses_a_length_that_cannot_be(call, tmp_path, cadences):
    status, out, err = call("simulate", tmp_path, "--stars", 1, "--cadences", cadences)
    assert (status, out) == (2, "")
    assert f"n_cadences = {cadences}: expected 10 to " in err


@pytest.mark.parametrize("command", ["show", "plot"])
def test_a_file_that_is_not_there_is_one_line(call, tmp_path, command):
    status, _, err = call(command, tmp_path / "1_1.h5")
    assert status == 2
    (line,) = err.splitlines()
    assert str(tmp_path / "1_1.h5") in line


def test_the_program_and_the_module_are_the_same():
    program = Path(sys.executable).with_name("cvzmpi")
    if not program.exists():
        pytest.skip("cvzmpi is not installed beside this Python")
    for command in ([str(program)], [sys.executable, "-m", "cvzmpi"]):
        outcome = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=True, env=environment()
        )
        assert outcome.stdout == f"cvzmpi, version {__version__}\n"


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        (["status", "--watch"], "--interval", -1),
        (["level2", "status", "--watch"], "--interval", 0),
        (["level2", "run"], "--ranks-per-team", 0),
        (["level2", "invert", "maps", "--output", "out"], "--ranks-per-team", -3),
        (["level2", "invert", "maps", "--output", "out"], "--interval", 0),
        (["level2", "invert", "maps", "--output", "out"], "--noise", -1),
        (["level2", "prepare", "data", "--output", "out"], "--slit-bin", 0),
        (["level2", "simulate", "out"], "--steps", 0),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_one_line(
    call, tmp_path, monkeypatch, command, option, value
):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*command, option, value)
    assert (status, out, list(tmp_path.iterdir())) == (2, "", [])
    (line,) = err.splitlines()
    assert f"Invalid value for '{option}'" in line
    assert "is not in the range" in line


# ----------------------------------------------------------------- what was mistyped


@pytest.mark.parametrize(("words", "group"), list(groups(cli)), ids=str)
def test_every_command_has_the_short_name_of_help_as_well(call, words, group):
    context = click.Context(group)
    for name in ("", *group.list_commands(context)):
        command = (*words, *filter(None, [name]))
        assert call(*command, "-h") == call(*command, "--help")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "'rnu' is neither a command nor a file here; did you mean 'run'?"),
        (["histroy", "1_1"], "'histroy' is neither a command nor a file here; did you mean 'h"),
        (["cvz", "shwo", "1.h5"], "'shwo' is neither a command nor a file here; did you mean 's"),
        (
            ["level"],
            "'level' is neither a command nor a file here; did you mean one of 'level2', 'serve'?",
        ),
        (["level2", "sacn"], "No such command 'sacn'. Did you mean 'scan'?"),
        (["xyz"], "'xyz' is neither a command nor a file here\n"),
        (["run", "--outptu", "x"], "No such option '--outptu'. Did you mean '--output'?"),
        (["my.toml"], "my.toml: no such configuration file\n"),
        (["campaigns/my"], "campaigns/my: no such configuration file\n"),
    ],
)
def test_a_mistyped_command_is_one_line_with_the_one_that_is_meant(
    call, tmp_path, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*words)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"cvzmpi: {message}")


def test_a_configuration_without_a_suffix_is_run_where_it_is_there(
    call, runs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaign").write_text("seed = 1\n")
    call("campaign")
    assert [given["file"] for given in runs] == [Path("campaign")]


# ----------------------------------------------------------------- completion in a shell


def completed(*words):
    """The completions of the last word, and the modules that finding them loads."""
    code = (
        "import sys\ntry:\n    from cvzmpi.cli import main\n    main()\n"
        "finally:\n    sys.stderr.write(' '.join(sys.modules))\n"
    )
    asked = {"COMP_WORDS": " ".join(["cvzmpi", *words]), "COMP_CWORD": str(len(words))}
    outcome = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.argv = ['cvzmpi']\n{code}"],
        capture_output=True,
        text=True,
        env=environment() | asked | {"_CVZMPI_COMPLETE": "bash_complete"},
    )
    loaded = {name.partition(".")[0] for name in outcome.stderr.split()}
    return outcome.stdout.splitlines(), loaded


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["st"], ["plain,status"]),
        (["level2", "pre"], ["plain,prepare", "plain,preprocess"]),
        (["ffd", "--search", "s"], ["plain,stella", "plain,significance"]),
        (["run", "--inp"], ["plain,--input"]),
        (["show", "1"], ["file,1"]),
        (["my"], ["file,my"]),
    ],
)
def test_a_shell_completes_commands_options_choices_and_files(words, expected):
    found, loaded = completed(*words)
    assert found == expected
    assert "click" in loaded
    assert not loaded & {"mpi4py", "numpy", "h5py", "astropy", "rich", "sqlalchemy"}


def test_a_shell_is_offered_the_commands_where_nothing_is_typed_yet():
    found, _ = completed("")
    assert {"plain,run", "plain,status", "plain,level2"} <= set(found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_get_a_script_that_completes(shell):
    source = environment() | {"_CVZMPI_COMPLETE": f"{shell}_source"}
    script = "import sys; sys.argv = ['cvzmpi']; from cvzmpi.cli import main; main()"
    outcome = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=source
    )
    if "version" in outcome.stderr:  # click asks bash for its version
        pytest.skip(outcome.stderr.strip())
    assert f"_CVZMPI_COMPLETE={shell}_complete" in outcome.stdout


def test_bash_completes_after_one_line_in_its_startup_file():
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    outcome = subprocess.run(
        [
            *("bash", "--norc", "-c"),
            'eval "$(_CVZMPI_COMPLETE=bash_source cvzmpi)"\ncomplete -p cvzmpi',
        ],
        capture_output=True,
        text=True,
        env=environment(PATH=path),
    )
    assert outcome.stdout.startswith("complete "), outcome.stderr
    assert outcome.stdout.rstrip().endswith(" cvzmpi")
