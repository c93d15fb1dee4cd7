"""The places of the sector files of a campaign."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.identity import LightCurveId


def lock_path(path: Path) -> Path:
    """The file that a team keeps locked while it works on a light curve."""
    return path.with_suffix(".claim")


def holds_results(output: Path) -> bool:
    """True for the output directory of a campaign that has begun, with sector files or without."""
    traces = ("ledger.sqlite", "outbox", "index/parts", "index/light_curves.parquet")
    return any((output / name).exists() for name in traces) or bool(sector_files(output))


def sector_files(directory: Path) -> dict[LightCurveId, Path]:
    """The sector files that are in an output directory, each where `LightCurveId.path` has it."""
    found = {}
    for path in sorted(directory.glob("[0-9][0-9][0-9]/*_*.h5")):
        light_curve = LightCurveId.parse(path.stem)
        if light_curve is not None and path == light_curve.path(directory):
            found[light_curve] = path
    return found
