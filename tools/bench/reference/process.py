"""The reference, as the measurements speak to it: a process in .venv-reference, kept open."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from tools.harness.job_process import ROOT

PYTHON = ROOT / ".venv-reference" / "bin" / "python"
MODELS = ROOT / ".setup" / "stella-models"
_LOG = ROOT / ".setup" / "reference-server.log"


class Reference:
    """A reference process, for which data is put into `scratch`; use as a context.

    `seconds_to_start` is from nothing to ten models in memory, `tensorflow` its version.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._log = _LOG.open("w")
        command = [str(PYTHON), "-m", "tools.bench.reference.server", str(MODELS)]
        start = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.tensorflow: str = self._answer()["ready"]
        self.seconds_to_start = time.perf_counter() - start

    def do(self, what: str, **settings: Any) -> dict[str, Any]:
        """Have it do something, and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **settings}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def data(self, name: str, **arrays: Any) -> str:
        """Store arrays where it can read them; what to say as `curve=`."""
        file = self._scratch / f"{name}.npz"
        np.savez(file, **arrays)
        return str(file)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise RuntimeError(f"the reference process ended; see {_LOG.relative_to(ROOT)}")
        return dict(json.loads(line))

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()
