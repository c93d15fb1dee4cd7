"""The configuration: one TOML file, validated before anything starts.

The sections below are the whole configuration, with their defaults. `load` merges a file and the
`--set key=value` of the command line into one `Config`. Its *science* part is what the results
depend on; it goes into each output file, and a changed one is refused on resume.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cvzmpi.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = Path("cvzmpi.toml")

# What pydantic's messages say less clearly, by the type of the error.
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "path_type": "a path, in quotes",
    "model_type": "a section with keys of its own",
}


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, types are not guessed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False
    )


AnySection = TypeVar("AnySection", bound=Section)

FilePath = Annotated[Path, Field(strict=False)]  # TOML has strings only


class InputConfig(Section):
    """Where the light curves are."""

    directory: FilePath = Field(Path("input"), description="directory with the FITS files")
    targets: FilePath | None = Field(
        None,
        description="CSV with the columns tic and sector, and perhaps priority (the highest come "
        "first); without it, every light curve",
    )


class ArchiveConfig(Section):
    """Where the light curves of a list of targets come from, and how gently they are fetched.

    The archive is asked by one process of a job only; `connections` and `requests_per_second` hold
    for all of it.
    """

    targets: FilePath | None = Field(
        None, description="list of TIC numbers; their light curves come from the archive"
    )
    address: str = Field(
        "https://mast.stsci.edu",
        pattern="^(https?|s3|file)://.",
        description="of the files; a mirror may be s3://BUCKET or file:///DIRECTORY",
    )
    listings: str = Field(
        "https://archive.stsci.edu/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh",
        pattern=r"^(https?|file)://.*\{sector\}",
        description="address of the download script of a sector, which lists its light curves",
    )
    find: Literal["listings", "search"] = Field(
        "listings",
        description='"listings": a request for each sector; "search": one for each target, with '
        "lightkurve's client, for a few targets",
    )
    listings_max_age: float = Field(
        7.0, ge=0, description="days after which a listing is fetched again"
    )
    min_sectors_per_year: int = Field(
        10, ge=1, le=16, description="light curves in some year of observation that qualify a star"
    )
    min_tmag: float | None = Field(None, description="brightest TESS magnitude that qualifies")
    max_tmag: float | None = Field(None, description="faintest TESS magnitude that qualifies")
    scratch: FilePath = Field(
        Path("scratch"), description="directory of the downloaded files; may vanish at any time"
    )
    scratch_gb: float = Field(20.0, gt=0, description="what they may take there, in GB")
    ahead: int = Field(
        200, ge=1, description="light curves that may be there or on their way before their turn"
    )
    connections: int = Field(4, ge=1, le=16, description="to the archive, at a time")
    requests_per_second: float = Field(10.0, gt=0, le=100, description="to the archive, at most")
    connect_timeout: float = Field(10.0, gt=0, description="seconds")
    read_timeout: float = Field(60.0, gt=0, description="seconds without a byte")
    transfer_timeout: float = Field(600.0, gt=0, description="seconds for one file or listing")
    attempts: int = Field(6, ge=1, description="at a file or listing, before it counts as failed")
    longest_pause: float = Field(
        120.0, ge=0, description="seconds between two attempts; the first pause is one second"
    )
    give_up_after: int = Field(
        10, ge=1, description="failures in a row after which the archive counts as down"
    )

    @model_validator(mode="after")
    def _magnitudes_in_order(self) -> ArchiveConfig:
        low, high = self.min_tmag, self.max_tmag
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_tmag {low} is above max_tmag {high}")
        return self


class OutputConfig(Section):
    """Where the sector files go."""

    directory: FilePath = Field(Path("output"), description="directory of the sector files")


class LightCurveConfig(Section):
    """Which cadences are used, and how many there must be.

    The default bitmask is lightkurve's without bit 512 (impulsive outlier), which removes the
    brightest cadence of real flares.
    """

    quality_bitmask: int = Field(
        16575, ge=0, lt=2**31, description="cadences with any of these bits are out"
    )
    min_usable_cadences: int = Field(1000, ge=200, description="light curves with fewer fail")


class DetectConfig(Section):
    """The mask rule, and where a light curve is cut into segments."""

    threshold: float = Field(0.5, gt=0, lt=1, description="flare probability that counts as flare")
    min_cadences: int = Field(
        3, ge=1, le=20, description="consecutive cadences above the threshold that make a flare"
    )
    merge_gap: int = Field(
        20, ge=1, le=100, description="flares with fewer cadences than this between them are one"
    )
    max_gap: int = Field(30, ge=1, description="missing cadences after which a new segment starts")


class ModelConfig(Section):
    """The Gaussian process."""

    kernel: Literal["rotation", "two_sho"] = Field(
        "rotation", description='"rotation", or "two_sho": rotation and granulation'
    )
    min_period: float = Field(0.1, gt=0, description="days")
    max_period: float = Field(27.0, gt=0, description="days")
    max_iterations: int = Field(200, ge=1, description="of the optimiser")

    @model_validator(mode="after")
    def _periods_in_order(self) -> ModelConfig:
        if self.min_period >= self.max_period:
            raise ValueError(
                f"min_period {self.min_period} is not below max_period {self.max_period}"
            )
        return self


class InjectConfig(Section):
    """The artificial flares, and when one counts as recovered."""

    n_inject: int = Field(2000, ge=1, description="flares per light curve")
    n_repeat: int = Field(10, ge=1, description="places that each flare is tried at")
    min_amplitude: float = Field(1.0, gt=0, description="times the median relative flux error")
    max_amplitude: float = Field(50.0, gt=0, description="times the median relative flux error")
    fwhm_median: float = Field(0.002, gt=0, description="days; FWHMs are log-normal around this")
    fwhm_sigma: float = Field(0.7, ge=0, description="of the natural logarithm of the FWHM")
    peak_tolerance: int = Field(
        3, ge=0, le=20, description="cadences that may lie between the peak and the found flare"
    )

    @model_validator(mode="after")
    def _amplitudes_in_order(self) -> InjectConfig:
        if self.min_amplitude > self.max_amplitude:
            raise ValueError(
                f"min_amplitude {self.min_amplitude} is above max_amplitude {self.max_amplitude}"
            )
        return self


class CheckpointConfig(Section):
    """How much work a kill may cost."""

    interval: float = Field(5.0, gt=0, description="seconds between checkpoints of the injections")
    fsync: bool = Field(True, description="have each checkpoint on disk, against loss of power")


class JobConfig(Section):
    """What a job does about its own end."""

    drain_before_end: float = Field(
        120.0, ge=0, description="seconds before the time limit at which the job begins to stop"
    )
    max_attempts: int = Field(
        5,
        ge=1,
        description="at a light curve that fails, or over which jobs die without any progress",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING"] = Field(
        "INFO", description='of the log file of the job: "DEBUG", "INFO" or "WARNING"'
    )


class LedgerConfig(Section):
    """Where the history of the campaign is kept."""

    url: str | None = Field(
        None,
        pattern=r"^(postgresql|sqlite)(\+psycopg)?://",
        description="as postgresql://USER@HOST/DATABASE, for several jobs at a time; without it, "
        "the file ledger.sqlite in the output directory",
    )
    lease: float = Field(
        120.0,
        ge=10,
        description="seconds without a sign of life after which a job on another machine is dead",
    )


class DetectorConfig(Section):
    """The neural networks."""

    file: FilePath | None = Field(
        None, description="the converted stella models; without it, the cache of `cvzmpi models`"
    )


class Config(Section):
    """The whole configuration of a campaign."""

    seed: int = Field(1, ge=0, lt=2**63, description="of all random draws of the campaign")
    ranks_per_team: int = Field(1, ge=1, description="ranks of one node that share a light curve")
    input: InputConfig = Field(InputConfig(), description="where the light curves are")
    archive: ArchiveConfig = Field(
        ArchiveConfig(), description="where the light curves of a list of targets come from"
    )
    output: OutputConfig = Field(OutputConfig(), description="where the results go")
    light_curve: LightCurveConfig = Field(
        LightCurveConfig(), description="which cadences are used, and how many there must be"
    )
    detect: DetectConfig = Field(DetectConfig(), description="what a flare is")
    model: ModelConfig = Field(ModelConfig(), description="the Gaussian process")
    inject: InjectConfig = Field(
        InjectConfig(), description="the artificial flares, and when one counts as recovered"
    )
    checkpoint: CheckpointConfig = Field(
        CheckpointConfig(), description="how much work a kill may cost"
    )
    job: JobConfig = Field(JobConfig(), description="what a job does about its own end")
    ledger: LedgerConfig = Field(
        LedgerConfig(), description="where the history of the campaign is kept"
    )
    detector: DetectorConfig = Field(DetectorConfig(), description="the neural networks")

    def ledger_location(self) -> str | Path:
        """Where the ledger is: the URL of a database, or the path of an SQLite file."""
        return self.ledger.url or self.output.directory / "ledger.sqlite"

    def outboxes(self) -> Path:
        """Where jobs keep what the ledger's database could not take yet."""
        return self.output.directory / "outbox"

    def logs(self) -> Path:
        """Where the log files of the jobs are."""
        return self.output.directory / "logs"

    def science(self) -> dict[str, Any]:
        """Everything that the results depend on, as plain values by dotted key."""
        return _flatten(
            self.model_dump(
                mode="json", include={"seed", "light_curve", "detect", "model", "inject"}
            )
        )

    def science_json(self) -> str:
        """`science` as canonical JSON, the text that goes into each sector file."""
        return json.dumps(self.science(), sort_keys=True)

    def science_hash(self) -> str:
        """SHA-256 of `science_json`."""
        return hashlib.sha256(self.science_json().encode()).hexdigest()


def load(
    file: Path | None,
    overrides: Sequence[str] = (),
    values_by_key: Mapping[str, Any] | None = None,
) -> Config:
    """Read and validate the configuration of a `cvz` campaign; see `load_as`."""
    return load_as(Config, file, overrides, values_by_key)


def load_as(
    model: type[AnySection],
    file: Path | None,
    overrides: Sequence[str] = (),
    values_by_key: Mapping[str, Any] | None = None,
) -> AnySection:
    """Read and validate a configuration.

    Paths in the file, and default ones, are relative to the directory of the file.

    Parameters
    ----------
    model : type
        The section that the whole file is.
    file : Path or None
        The TOML file; None starts from the defaults.
    overrides : sequence of str
        `key=value` settings with dotted keys, as `inject.n_inject=200`; they win over the file.
    values_by_key : mapping
        Values that need no parsing, by dotted key; they win over everything.

    Raises
    ------
    ConfigError
        One line for each thing that is wrong, naming the file, the key and what was expected.
    """
    values = _read_toml(file) if file is not None else {}
    if file is not None:
        _anchor(values, model, file.parent)
    settings = dict(_parse(override) for override in overrides)
    for key, value in settings.items():
        _apply(values, key, value)
    for key, value in (values_by_key or {}).items():
        _apply(values, key, value)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_explain(model, _source(file, settings, e), e) for e in error.errors())
        ) from None


def differences(ours: str, theirs: str) -> list[str]:
    """Say in words how two science parts (`Config.science_json`) differ.

    Returns
    -------
    list of str
        One `key: theirs -> ours` for each difference.
    """
    new, old = json.loads(ours), json.loads(theirs)
    return [
        f"{key}: {old.get(key, 'not set')} -> {new.get(key, 'not set')}"
        for key in sorted(new.keys() | old.keys())
        if new.get(key) != old.get(key)
    ]


def as_toml(config: Section) -> str:
    """A configuration as the text of a TOML file, each setting with its meaning.

    Settings that have no value (TOML knows none) are commented out.
    """
    lines = _section_toml(config)
    for name, field in type(config).model_fields.items():
        section = getattr(config, name)
        if isinstance(section, Section):
            lines += ["", *_comment(field.description), f"[{name}]", *_section_toml(section)]
    return "\n".join(lines) + "\n"


def _section_toml(section: Section) -> list[str]:
    lines = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            continue
        lines += _comment(field.description)
        # JSON's strings, numbers and booleans are TOML's as well
        text = json.dumps(str(value) if isinstance(value, Path) else value)
        lines.append(f"{name} = {text}" if value is not None else f"# {name} =")
    return lines


def _comment(description: str | None) -> list[str]:
    return [f"# {description}"] if description else []


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None


def _anchor(values: dict[str, Any], model: type[Section], directory: Path) -> None:
    """Make the paths of a file's settings, and default ones, relative to its directory."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, Section):
            section = values.setdefault(name, {})
            if isinstance(section, dict):
                _anchor(section, type(field.default), directory)
        elif _is_path(field.annotation):
            value = values.get(name, field.default)
            if isinstance(value, str | Path):
                values[name] = directory / value


def _is_path(annotation: Any) -> bool:
    """Whether a field is a `FilePath`, perhaps an optional one."""
    return annotation is Path or any(_is_path(inside) for inside in get_args(annotation))


def _parse(override: str) -> tuple[str, Any]:
    """Key and value of one `key=value`, the value as TOML has it."""
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"--set {override}: expected key=value, as inject.n_inject=200")
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    # a bare word is a string
    return key.strip(), parsed["value"] if parsed.keys() == {"value"} else text


def _apply(values: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into the nested dictionary `values` at a dotted key."""
    *sections, name = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{key}: {section} is a value, not a section")
    values[name] = value


def _source(file: Path | None, settings: Mapping[str, Any], error: Any) -> str:
    """Where the wrong value comes from: the command line, or the file."""
    key = ".".join(str(part) for part in error["loc"])
    if any(f"{key}.".startswith(f"{s}.") or s.startswith(f"{key}.") for s in settings):
        return "--set"
    return str(file) if file is not None else "configuration"


def _explain(model: type[Section], source: str, error: Any) -> str:
    """One line for one thing that pydantic found wrong."""
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        parent = ".".join(str(part) for part in error["loc"][:-1])
        return f"{source}: unknown key {key!r}; known here: {', '.join(_known_keys(model, parent))}"
    if error["type"] == "value_error":
        return f"{source}: {key}: {error['ctx']['error']}"
    expected = _EXPECTED.get(error["type"])
    if expected is None:
        expected = error["msg"].removeprefix("Input should be ")
    return f"{source}: {key} = {error['input']!r}: expected {expected}"


def _known_keys(model: type[BaseModel], section: str) -> list[str]:
    for name in filter(None, section.split(".")):
        model = model.model_fields[name].annotation  # type: ignore[assignment]
    return sorted(model.model_fields)


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
