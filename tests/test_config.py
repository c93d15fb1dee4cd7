"""The configuration: defaults, file, command line, and one clear line for each mistake."""

from pathlib import Path

import pytest

from cvzmpi.config import Config, as_toml, differences, load
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


def test_without_anything_the_documented_defaults_hold():
    config = load(None)
    assert config == Config()
    assert (config.seed, config.ranks_per_team) == (1, 1)
    assert config.light_curve.quality_bitmask == 16575
    detect = config.detect
    assert (detect.threshold, detect.min_cadences, detect.merge_gap) == (0.5, 3, 20)
    inject = config.inject
    assert (inject.n_inject, inject.n_repeat) == (2000, 10)
    assert (inject.min_amplitude, inject.max_amplitude) == (1, 50)
    assert (inject.fwhm_median, inject.fwhm_sigma) == (0.002, 0.7)


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


def test_a_file_that_cannot_be_read_is_one_line_that_says_why(tmp_path):
    (line,) = complaints(tmp_path / "nowhere.toml")
    assert line == f"{tmp_path / 'nowhere.toml'}: no such configuration file"
    (line,) = complaints(tmp_path)
    assert line.startswith(f"{tmp_path}: cannot be read: ")
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


# ----------------------------------------------------------------- what results depend on

SCIENCE = [
    "seed=2",
    "light_curve.quality_bitmask=0",
    "light_curve.min_usable_cadences=2000",
    "detect.threshold=0.6",
    "detect.min_cadences=2",
    "detect.merge_gap=10",
    "detect.max_gap=5",
    "model.kernel=two_sho",
    "model.min_period=0.2",
    "model.max_period=20",
    "model.max_iterations=100",
    "inject.n_inject=10",
    "inject.n_repeat=2",
    "inject.min_amplitude=2",
    "inject.max_amplitude=40",
    "inject.fwhm_median=0.003",
    "inject.fwhm_sigma=0.5",
    "inject.peak_tolerance=1",
]
NOT_SCIENCE = [
    "ranks_per_team=4",
    "checkpoint.interval=60",
    "input.directory=elsewhere",
    "input.targets=list.csv",
    "output.directory=elsewhere",
    "detector.file=models.npz",
    "archive.targets=stars.csv",
    "archive.address=s3://stpubdata",
    "archive.listings=file:///listings/{sector}.sh",
    "archive.find=search",
    "archive.listings_max_age=1",
    "archive.min_sectors_per_year=5",
    "archive.min_tmag=5.0",
    "archive.max_tmag=12.0",
    "archive.scratch=elsewhere",
    "archive.scratch_gb=5",
    "archive.ahead=10",
    "archive.connections=2",
    "archive.requests_per_second=2",
    "archive.connect_timeout=5",
    "archive.read_timeout=5",
    "archive.transfer_timeout=60",
    "archive.attempts=3",
    "archive.longest_pause=10",
    "archive.give_up_after=5",
    "checkpoint.fsync=false",
    "job.drain_before_end=60",
    "job.max_attempts=9",
    "ledger.url=postgresql://host/database",
    "ledger.lease=60",
    "job.log_level=DEBUG",
]


@pytest.mark.parametrize("setting", SCIENCE)
def test_the_hash_changes_with_everything_the_results_depend_on(setting):
    changed = load(None, [setting])
    assert changed.science_hash() != Config().science_hash()
    key = setting.partition("=")[0]
    (difference,) = differences(changed.science_json(), Config().science_json())
    assert difference.startswith(f"{key}: {Config().science()[key]} -> ")
    assert difference.endswith(f" -> {changed.science()[key]}")


@pytest.mark.parametrize("setting", NOT_SCIENCE)
def test_the_hash_does_not_know_how_and_where_it_is_computed(setting):
    changed = load(None, [setting])
    assert changed != Config()
    assert changed.science_hash() == Config().science_hash()
    assert differences(changed.science_json(), Config().science_json()) == []


def test_every_setting_is_tested_as_one_that_results_depend_on_or_one_they_do_not():
    every = {
        f"{section}.{name}" if hasattr(value, "model_dump") else section
        for section, value in Config()
        for name in (type(value).model_fields if hasattr(value, "model_dump") else [""])
    }
    assert every == {setting.partition("=")[0] for setting in SCIENCE + NOT_SCIENCE}


def test_the_hash_is_that_of_the_values_however_they_are_written(toml):
    written = load(toml("seed = 0x1\n[model]\nmax_period = 27\n[inject]\nn_inject = 2_000\n"))
    assert written.science_hash() == Config().science_hash()


def test_differences_name_keys_that_only_one_side_has():
    assert differences('{"a": 1}', '{"b": 2}') == ["a: not set -> 1", "b: 2 -> not set"]
    assert differences('{"a": 1}', '{"a": 1}') == []


# ----------------------------------------------------------------- the archive


@pytest.mark.parametrize("address", ["ftp://a.org", "a.org", "https://", "/data"])
def test_the_archive_has_an_address_of_a_known_kind(address):
    (line,) = complaints(None, f"archive.address={address}")
    assert line.startswith(f"--set: archive.address = '{address}': expected")


def test_the_address_of_the_listings_says_where_the_sector_goes():
    (line,) = complaints(None, "archive.listings=https://a.org/list.sh")
    assert "archive.listings = 'https://a.org/list.sh'" in line


def test_magnitudes_are_in_order():
    (line,) = complaints(None, "archive.min_tmag=9.0", "archive.max_tmag=8.0")
    assert line == "--set: archive: min_tmag 9.0 is above max_tmag 8.0"
