"""`cvzmpi doctor`: what works here, and what to do about what does not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from cvzmpi.cvz.checkup.campaign import CampaignFound
from cvzmpi.cvz.checkup.checkup import CHECKS, check_all
from cvzmpi.cvz.checkup.finding import Finding, Level
from cvzmpi.runtime.all_ranks import DONE, USAGE

_NAME = max(len(check.name) for check in CHECKS)
_LEVEL = max(len(level.value) for level in Level)


def doctor(campaign: Path, as_json: bool) -> int:
    """Print the finding of each check."""
    found: list[tuple[str, Finding]] = []
    for name, finding in check_all(CampaignFound.find(campaign)):
        found.append((name, finding))
        if not as_json:
            click.echo(_line(name, finding))
    if as_json:
        click.echo(json.dumps([{"what": n, **asdict(f)} for n, f in found], indent=2))
    return USAGE if any(f.level is Level.PROBLEM for _, f in found) else DONE


def _line(name: str, finding: Finding) -> str:
    line = f"{finding.level.value:{_LEVEL}}  {name:{_NAME}}  {finding.says}"
    return f"{line} -> {finding.remedy}" if finding.remedy else line
