"""Kill `cvzmpi level2 run` at random instants, again and again; compare with an undisturbed run.

All files must be the same, byte by byte, and the ledger must tell of one result for each program.

python -m tools.torture.inversion, or make torture-inversion
"""

from __future__ import annotations

import os
import random
import shutil
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
from cvzmpi.ledger import Ledger, State
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.programs.catalogue import Catalogue
from tools.harness.invented_programs import invent_programs

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"small": [(4, 100)], "two-maps": [(3, 150), (3, 150)], "large": [(10, 200)]}


@click.command()
@click.option("--kills", default=20, show_default=True, help="SIGKILL to all processes of a job.")
@click.option("--ranks", default=3, show_default=True, help="One of them schedules.")
@click.option("--team", default=2, show_default=True, help="Ranks that share a program.")
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
def main(kills: int, ranks: int, team: int, seed: int) -> None:
    """Torture the inversion."""
    chance = random.Random(seed)
    wrong: list[str] = []
    done_at_kill: list[int] = []
    campaigns = 0
    with tempfile.TemporaryDirectory(prefix="cvzmpi-kills-") as name:
        invented, expected = Path(name) / "invented", Path(name) / "expected"
        invent_programs(invented, PROGRAMS)
        shutil.copytree(invented, expected)
        assert _start(expected, 1, 1).wait() == 0
        undisturbed = _contents(expected)
        while len(done_at_kill) < kills or campaigns == 0:
            campaign = Path(name) / f"campaign-{campaigns}"
            shutil.copytree(invented, campaign)
            while True:
                job = _start(campaign, ranks, team)
                if len(done_at_kill) < kills and _killed(job, campaign, chance.uniform(0, 1.2)):
                    wrong += _unreadable(campaign)
                    done_at_kill.append(_tickets_done(campaign))
                    continue
                if job.wait() != 0:
                    sys.exit(f"the job ended with status {job.returncode}")
                break
            campaigns += 1
            if _contents(campaign) != undisturbed:
                wrong.append(f"campaign {campaigns}: differs from the undisturbed run")
            wrong += [f"{path}: damaged" for path in _inverted(campaign).glob("*.damaged*")]
            wrong += _wrong_in_ledger(campaign)
    click.echo(
        f"{len(done_at_kill)} kills, {campaigns} campaigns finished, {len(wrong)} files wrong; "
        f"tickets that were done when a kill came: {sorted(done_at_kill)}"
    )
    for line in wrong:
        click.echo(f"  {line}")
    sys.exit(bool(wrong))


def _start(campaign: Path, ranks: int, team: int) -> subprocess.Popen[bytes]:
    launcher = [] if ranks == 1 else [str(ROOT / "tools" / "mpirun.sh"), "-n", str(ranks)]
    command = [sys.executable, "-m", "cvzmpi", "level2", "run", "--ranks-per-team", str(team)]
    options = [  # a kill before the first checkpoint uses up an attempt, and here are many
        *("--set", "checkpoint.interval=0.1", "--set", "job.max_attempts=1000"),
        *("--set", f"ledger.file={campaign / 'ledger.sqlite'}"),
        *("--set", f"maps.directory={campaign / 'maps'}"),
    ]
    return subprocess.Popen(
        [*launcher, *command, *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _killed(job: subprocess.Popen[bytes], campaign: Path, seconds: float) -> bool:
    """Kill a job and all that it started, so many seconds after it began to work.

    Returns
    -------
    bool
        False where it ended before.
    """
    before = _traces(campaign)
    while _traces(campaign) == before and job.poll() is None:
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


def _traces(campaign: Path) -> int:
    """What work leaves: files, and pixels in them, vouched for or not."""
    traces = 0
    for path in _inverted(campaign).glob(f"*{inversion_file.SUFFIX}"):
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


def _unreadable(campaign: Path) -> list[str]:
    """Files that a kill left in a state that is none."""
    wrong = []
    for path in _inverted(campaign).glob(f"*{inversion_file.SUFFIX}"):
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


def _tickets_done(campaign: Path) -> int:
    progresses = map(
        inversion_file.read_progress, _inverted(campaign).glob(f"*{inversion_file.SUFFIX}")
    )
    return sum(progress.n_tickets_done for progress in progresses if progress is not None)


def _wrong_in_ledger(campaign: Path) -> list[str]:
    """Programs that did not become done exactly once, with an inversion of each map."""
    wrong = []
    with Ledger.open(campaign / "ledger.sqlite", create=False) as ledger:
        for name, shapes in PROGRAMS.items():
            states = [event.to_state for event in ledger.history(name)]
            n_inversions = len(Catalogue(ledger).inversions(name))
            if (states[-1], states.count(State.DONE)) != (State.DONE, 1):
                wrong.append(f"{name}: {', '.join(map(str, states))}")
            if n_inversions != len(shapes):
                wrong.append(f"{name}: {n_inversions} inversions of {len(shapes)} maps")
    return wrong


def _inverted(campaign: Path) -> Path:
    return campaign / "maps" / "inverted"


def _contents(campaign: Path) -> dict[str, bytes]:
    """The files, byte by byte."""
    return {
        path.name: path.read_bytes()
        for path in _inverted(campaign).glob(f"*{inversion_file.SUFFIX}")
    }


if __name__ == "__main__":
    main()
