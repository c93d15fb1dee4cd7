"""The configuration: defaults, file, command line, and one clear line for each mistake."""

import os
from pathlib import Path

import pytest

from cvzmpi.config import as_toml, differences
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.errors import ConfigError


@pytest.fixture
def toml(tmp_path):
    """Write a configuration file."""

    def write(text):
        path = tmp_path / "my.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def complaints(file=None, *settings):
    """The lines of the error that `load` raises."""
    with pytest.raises(ConfigError) as caught:
        load(file, settings)
    return str(caught.value).splitlines()


# ----------------------------------------------------------------- what is accepted


def test_a_file_sets_what_it_names_and_leaves_the_rest(toml):
    config = load(toml("seed = 5\n[inject]\nn_repeat = 4\n"))
    assert config.seed == 5
    assert config.inject.n_repeat == 4
    assert config.inject.n_inject == 2000


def test_paths_of_a_file_and_those_it_leaves_out_are_relative_to_its_directory(toml):
    file = toml('[input]\ndirectory = "../fits"\n[detector]\nfile = "/models.npz"\n')
    config = load(file)
    assert config.input.directory == file.parent / ".." / "fits"
    assert config.output.directory == file.parent / "output"
    assert config.detector.file == Path("/models.npz")
    assert config.input.targets is None


def test_paths_of_the_command_line_are_relative_to_the_working_directory(toml):
    config = load(toml("seed = 1"), ["detector.file=m.npz"], {"input.directory": "fits"})
    assert config.detector.file == Path("m.npz")
    assert config.input.directory == Path("fits")
    assert load(None).output.directory == Path("output")


def test_the_printed_configuration_is_a_file_with_the_same_settings(toml):
    assert load(toml(as_toml(Config()))).science() == Config().science()
    changed = load(None, ["model.kernel=two_sho", "seed=9", 'input.directory=/a "quoted" \\ path'])
    read_back = load(toml(as_toml(changed)))
    assert read_back.science_json() == changed.science_json()
    assert read_back.input.directory == changed.input.directory
    for key in changed.science():
        assert f"\n{key.rpartition('.')[2]} = " in f"\n{as_toml(changed)}"


def test_the_command_line_wins_over_the_file_and_the_options_over_both(toml):
    file = toml('seed = 5\n[inject]\nn_inject = 7\n[input]\ndirectory = "a"\n')
    config = load(file, ["seed=6", "input.directory=b"], {"input.directory": "c"})
    assert (config.seed, config.inject.n_inject, config.input.directory) == (6, 7, Path("c"))
    assert load(file, ["seed=6", "seed=8"]).seed == 8, "the last one wins"


@pytest.mark.parametrize(
    ("setting", "section", "name", "value"),
    [
        ("inject.n_inject=1_000", "inject", "n_inject", 1000),
        ("detect.threshold=0.25", "detect", "threshold", 0.25),
        ("model.max_period=13", "model", "max_period", 13.0),
        ("model.kernel=two_sho", "model", "kernel", "two_sho"),
        ('model.kernel="two_sho"', "model", "kernel", "two_sho"),
        (" model.kernel = 'two_sho'", "model", "kernel", "two_sho"),
        ("input.directory=/a b/c=d", "input", "directory", Path("/a b/c=d")),
        ("detector.file=x.npz", "detector", "file", Path("x.npz")),
        ("inject={n_inject = 3, n_repeat = 2}", "inject", "n_repeat", 2),
    ],
)
def test_set_reaches_nested_keys_with_the_types_of_toml(setting, section, name, value):
    found = getattr(getattr(load(None, [setting]), section), name)
    assert found == value
    assert type(found) is type(value)


# ----------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense = 3", ["unknown key 'nonsense'", "ranks_per_team"]),
        ("[inject]\nn_injcet = 3", ["unknown key 'inject.n_injcet'", "n_inject"]),
        ("[injection]\nn_inject = 3", ["unknown key 'injection'", "inject"]),
        ("[inject]\nn_inject = 'many'", ["inject.n_inject = 'many'", "expected a whole number"]),
        ("[inject]\nn_inject = 2.5", ["inject.n_inject = 2.5", "expected a whole number"]),
        ("[inject]\nn_inject = true", ["inject.n_inject = True", "expected a whole number"]),
        ("[inject]\nn_inject = '20'", ["inject.n_inject = '20'", "expected a whole number"]),
        ("[detect]\nthreshold = '0.5'", ["detect.threshold = '0.5'", "expected a number"]),
        ("[model]\nkernel = 'matern'", ["model.kernel = 'matern'", "'rotation' or 'two_sho'"]),
        ("[input]\ndirectory = 3", ["input.directory = 3", "expected a path"]),
        ("inject = 3", ["inject = 3", "expected a section"]),
        ("seed = -1", ["seed = -1", "greater than or equal to 0"]),
        ("seed = 9223372036854775808", ["seed = 9223372036854775808", "less than"]),
        ("ranks_per_team = 0", ["ranks_per_team = 0", "greater than or equal to 1"]),
        ("[detect]\nthreshold = 1.0", ["detect.threshold = 1.0", "less than 1"]),
        ("[detect]\nthreshold = 0", ["detect.threshold = 0", "greater than 0"]),
        ("[inject]\nmax_amplitude = inf", ["inject.max_amplitude = inf", "a finite number"]),
        ("[inject]\nfwhm_sigma = nan", ["inject.fwhm_sigma = nan", "a finite number"]),
        ("[inject]\nmin_amplitude = 60", ["min_amplitude 60.0", "max_amplitude 50.0"]),
        ("[model]\nmin_period = 30", ["min_period 30.0", "max_period 27.0"]),
        ("[light_curve]\nmin_usable_cadences = 150", ["min_usable_cadences = 150", "200"]),
        ("[light_curve]\nquality_bitmask = 4294967296", ["quality_bitmask", "less than"]),
        ("[checkpoint]\ninterval = 0", ["checkpoint.interval = 0", "greater than 0"]),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_file_key_value_and_expectation(
    toml, text, expected
):
    file = toml(text)
    (line,) = complaints(file)
    assert line.startswith(f"{file}: ")
    for part in expected:
        assert part in line


def test_every_mistake_has_a_line_of_its_own(toml):
    file = toml("seed = 'x'\nfoo = 1\n[inject]\nn_inject = 0\n[model]\nkernel = 1\n")
    lines = sorted(line.removeprefix(f"{file}: ") for line in complaints(file))
    starts = ["inject.n_inject = 0: ", "model.kernel = 1: ", "seed = 'x': ", "unknown key 'foo'; "]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


@pytest.mark.parametrize(
    "text", ["seed = ", "seed = 1\nseed = 2", "[inject", "seed 5", "a = 'b\nc'", "\x00"]
)
def test_malformed_toml_is_one_line_with_the_file(toml, text):
    file = toml(text)
    (line,) = complaints(file)
    assert line.startswith(f"{file}: not valid TOML: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_as_editors_save_it(tmp_path, encoding, end):
    text = end.join(["seed = 5", "[output]", "directory = 'é'", ""])
    (tmp_path / "my.toml").write_bytes(text.encode(encoding))
    config = load(tmp_path / "my.toml")
    assert (config.seed, config.output.directory) == (5, tmp_path / "é")


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, "seed = " + "9" * 10_000], ids=["nested", "long"]
)
def test_what_breaks_the_parser_is_one_line_with_the_file(toml, text):
    file = toml(text)
    (line,) = complaints(file)
    assert line.startswith(f"{file}: not valid TOML: ")


def test_a_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "my.toml")
    (line,) = complaints(tmp_path / "my.toml")
    assert line == f"{tmp_path / 'my.toml'}: not a regular file"


@pytest.mark.parametrize("key", ["input.directory", "input.targets", "output.directory"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "it is empty"), ("a\0b", r"'a\x00b' is no path"), ("\udcff", r"'\udcff' is no path")],
)
def test_a_path_that_no_file_can_have_is_one_line(toml, key, path, expected):
    section, name = key.split(".")
    (line,) = complaints(None, f"{key}={path}")
    assert line.startswith(f"--set: {key}: {expected}")
    with pytest.raises(ConfigError) as caught:
        load(None, (), {key: path})
    assert str(caught.value).startswith(f"configuration: {key}: {expected}")
    if path.isprintable():
        (line,) = complaints(toml(f'[{section}]\n{name} = "{path}"\n'))
        assert f"{key}: {expected}" in line


@pytest.mark.parametrize(
    "setting",
    ["seed=0x" + "f" * 10_000, "inject.n_inject" + ".x" * 5000 + "=1", "seed=" + "[" * 9999],
)
def test_a_value_of_any_size_is_one_line_of_bearable_length(setting):
    (line,) = complaints(None, setting)
    assert len(line) < 400


def test_a_file_that_cannot_be_read_is_one_line_that_says_why(tmp_path):
    (line,) = complaints(tmp_path / "nowhere.toml")
    assert line == f"{tmp_path / 'nowhere.toml'}: no such configuration file"
    (line,) = complaints(tmp_path)
    assert line == f"{tmp_path}: a directory, not a regular file"
    (tmp_path / "latin.toml").write_bytes("# Größe".encode("latin-1"))
    (line,) = complaints(tmp_path / "latin.toml")
    assert line.startswith(f"{tmp_path / 'latin.toml'}: cannot be read: ")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("seed", "--set seed: expected key=value"),
        ("=3", "--set =3: expected key=value"),
        ("seed=", "--set: seed = '': expected a whole number"),
        ("seed=many", "--set: seed = 'many': expected a whole number"),
        ("seed=1\nranks_per_team=2", "--set: seed = '1\\nranks_per_team=2': expected a whole"),
        ("inject=5", "--set: inject = 5: expected a section"),
        ("inject.n_inject.x=5", "--set: inject.n_inject = {'x': 5}: expected a whole number"),
        (".x=3", "--set: unknown key ''"),
        ("a.b.c=3", "--set: unknown key 'a'"),
        ("model.min_period=30", "--set: model: min_period 30.0 is not below max_period 27.0"),
    ],
)
def test_a_mistake_on_the_command_line_is_not_blamed_on_the_file(toml, setting, expected):
    (line,) = complaints(toml("ranks_per_team = 3"), setting)
    assert line.startswith(expected)


def test_set_does_not_take_a_value_for_a_section(toml):
    (line,) = complaints(toml("[inject]\nn_inject = 5"), "inject.n_inject.x=5")
    assert line == "inject.n_inject.x: n_inject is a value, not a section"


# ----------------------------------------------------------------- what changed


def test_differences_name_keys_that_only_one_side_has():
    assert differences('{"a": 1}', '{"b": 2}') == ["a: not set -> 1", "b: 2 -> not set"]
    assert differences('{"a": 1}', '{"a": 1}') == []


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("detct.treshold=0.6", "did you mean 'detect.threshold'?"),
        ("detect.treshold=0.6", "one of 'detect.threshold', "),
        ("inject.n_injcet=3", "one of 'inject.n_inject', "),
        ("threshold=0.6", "did you mean 'detect.threshold'?"),
        ("detect.n_inject=3", "did you mean 'inject.n_inject'?"),
        ("detect.search=signficance", "or 'both'; did you mean 'significance'?"),
        ("archive.scratch_gb='20 GB'", "a number without a unit: disk space in GB that the down"),
        ("job.log_level=debug", "expected 'DEBUG', 'INFO' or 'WARNING'; did you mean 'DEBUG'?"),
    ],
)
def test_a_mistyped_setting_or_value_is_one_line_with_what_is_meant(setting, meant):
    (line,) = complaints(None, setting)
    assert meant in line


def test_a_setting_that_is_like_no_other_brings_no_question():
    assert complaints(None, "frobnicate=1")[0].endswith("seed, significance")
