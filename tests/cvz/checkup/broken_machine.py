"""Campaigns with a few settings, and machines on which something is missing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def configured(directory: Path, **sections: Mapping[str, Any]) -> Path:
    """Make a campaign with some settings; the file of its configuration."""
    lines = []
    for section, settings in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (directory / "input").mkdir(exist_ok=True)
    file = directory / "cvzmpi.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def programs(directory: Path, *names: str) -> str:
    """A PATH with these programs only."""
    directory.mkdir()
    for name in names:
        (directory / name).symlink_to(str(shutil.which(name)))
    return str(directory)


def without(directory: Path, *modules: str) -> str:
    """A PYTHONPATH that keeps modules from being imported, in every process."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {modules!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    return os.pathsep.join([str(directory), os.environ.get("PYTHONPATH", "")])
