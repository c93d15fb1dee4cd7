"""Kill the inversion at random instants, again and again, and compare with an undisturbed run.

python -m tools.inversion.kills, or make torture-inversion
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import h5py
import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2 import inversion_file
from cvzmpi.level2.simulate import simulate_prepared

ROOT = Path(__file__).resolve().parents[2]
MAPS = {"small": (4, 100), "medium": (6, 150), "large": (10, 200)}
WAVELENGTH = 630.08 + 0.0026 * np.arange(94)


@click.command()
@click.option("--kills", default=20, show_default=True, help="SIGKILL to all processes of a job.")
@click.option("--ranks", default=3, show_default=True, help="One of them schedules.")
@click.option("--team", default=2, show_default=True, help="Ranks that share a map.")
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
def main(kills: int, ranks: int, team: int, seed: int) -> None:
    """Torture the inversion."""
    chance = random.Random(seed)
    wrong: list[str] = []
    done_at_kill: list[int] = []
    campaigns = 0
    with tempfile.TemporaryDirectory(prefix="cvzmpi-kills-") as name:
        prepared, expected = Path(name) / "prepared", Path(name) / "expected"
        for number, (map_name, shape) in enumerate(MAPS.items()):
            simulate_prepared(prepared, map_name, shape, number, WAVELENGTH)
        assert _start(prepared, expected, 1, 1).wait() == 0
        undisturbed = _contents(expected)
        while len(done_at_kill) < kills or campaigns == 0:
            output = Path(name) / f"output-{campaigns}"
            while True:
                job = _start(prepared, output, ranks, team)
                if len(done_at_kill) < kills and _killed(job, output, chance.uniform(0, 1.2)):
                    wrong += _unreadable(output)
                    done_at_kill.append(_tickets_done(output))
                    continue
                if job.wait() != 0:
                    sys.exit(f"the job ended with status {job.returncode}")
                break
            campaigns += 1
            if _contents(output) != undisturbed:
                wrong.append(f"campaign {campaigns}: differs from the undisturbed run")
            wrong += [f"{path}: damaged" for path in output.glob("*.damaged*")]
    click.echo(
        f"{len(done_at_kill)} kills, {campaigns} campaigns finished, {len(wrong)} files wrong; "
        f"tickets that were done when a kill came: {sorted(done_at_kill)}"
    )
    for line in wrong:
        click.echo(f"  {line}")
    sys.exit(bool(wrong))


def _start(prepared: Path, output: Path, ranks: int, team: int) -> subprocess.Popen[bytes]:
    launcher = [] if ranks == 1 else [str(ROOT / "tools" / "mpirun.sh"), "-n", str(ranks)]
    command = [sys.executable, "-m", "cvzmpi", "level2", "invert", str(prepared)]
    options = ["--output", str(output), "--ranks-per-team", str(team), "--interval", "0.1"]
    return subprocess.Popen(
        [*launcher, *command, *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _killed(job: subprocess.Popen[bytes], output: Path, seconds: float) -> bool:
    """Kill a job and all that it started, so many seconds after it began to work.

    Returns
    -------
    bool
        False where it ended before.
    """
    before = _traces(output)
    while _traces(output) == before and job.poll() is None:
        time.sleep(0.005)
    try:
        job.wait(seconds)
    except subprocess.TimeoutExpired:
        members = [job.pid, *_descendants(job.pid)]
        for member in members:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                continue
        job.wait()
        while any(Path(f"/proc/{member}").exists() for member in members):
            time.sleep(0.01)
        return True
    return False


def _traces(output: Path) -> int:
    """What work leaves: files, and pixels in them, vouched for or not."""
    traces = 0
    for path in output.glob(f"*{inversion_file.SUFFIX}"):
        with h5py.File(path, locking=False) as file:
            traces += 1 + int(np.count_nonzero(file["status"][()]))
    return traces


def _descendants(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _unreadable(output: Path) -> list[str]:
    """Files that a kill left in a state that is none."""
    wrong = []
    for path in output.glob(f"*{inversion_file.SUFFIX}"):
        try:
            progress = inversion_file.read_progress(path)
            assert progress is not None
            with h5py.File(path, locking=False) as file:
                n_pixels = file["status"].size
                n_done = np.count_nonzero(file["status"][()])
            if progress.done and n_done < n_pixels:
                wrong.append(f"{path}: done, and {n_pixels - n_done} pixels are not")
        except MapFileError as error:
            wrong.append(str(error))
    return wrong


def _tickets_done(output: Path) -> int:
    progresses = map(inversion_file.read_progress, output.glob(f"*{inversion_file.SUFFIX}"))
    return sum(progress.n_tickets_done for progress in progresses if progress is not None)


def _contents(output: Path) -> dict[str, bytes]:
    """The files, byte by byte."""
    return {path.name: path.read_bytes() for path in output.glob(f"*{inversion_file.SUFFIX}")}


if __name__ == "__main__":
    main()
