"""Faults other than a clean kill: each ends in a clear message, nothing is lost, nothing hangs.

Each fault is a function that returns one line about what it saw, and raises `AssertionError` when
that is not what is promised.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.torture.campaign import Job, TortureCampaign

_ENDS_WITHIN = 30  # seconds


def one_rank_killed(campaign: TortureCampaign, output: Path) -> str:
    """SIGKILL of a single worker ends the whole job, quickly and non-zero."""
    job = _started(campaign, output, ranks=3)
    os.kill(job.ranks()[-1], signal.SIGKILL)
    begun = time.monotonic()
    status = job.wait(_ENDS_WITHIN)
    assert status != 0
    took = time.monotonic() - begun
    return f"job ended with status {status} after {took:.1f} s; {_finish(campaign, output)}"


def job_stopped_for_a_while(campaign: TortureCampaign, output: Path) -> str:
    """SIGSTOP of all ranks, as a suspending queue does, and SIGCONT."""
    job = _started(campaign, output, ranks=3)
    job.kill(signal.SIGSTOP)
    time.sleep(5)
    job.kill(signal.SIGCONT)
    assert job.wait() == 0, job.text()
    return f"went on; {_finish(campaign, output)}"


def disk_full(campaign: TortureCampaign, output: Path) -> str:
    """A full disk fails light curves with a clear message; with room again, they are finished."""
    with _small_disk(output, "1500k"):
        job = campaign.start(output, 3)
        assert job.wait() == 1, job.text()
        failures = [line for line in job.text().splitlines() if "failed " in line]
        assert any("No space left" in line or "cannot be written" in line for line in failures), (
            job.text()
        )
        assert not campaign.check(output), campaign.check(output)
        subprocess.run(["mount", "-o", "remount,size=100m", output], check=True)
        return f"{len(failures)} failed: {failures[0][20:120]}...; {_finish(campaign, output)}"


def output_removed(campaign: TortureCampaign, output: Path) -> str:
    """The output directory vanishes: units fail clearly or begin anew; the job does not hang."""
    job = _started(campaign, output, ranks=3)
    shutil.rmtree(output)
    status = job.wait()
    return f"job ended with status {status}; {_finish(campaign, output)}"


def input_removed(campaign: TortureCampaign, output: Path) -> str:
    """What has a checkpoint needs its FITS file no more."""
    job = _started(campaign, output, ranks=3)
    while not any(output.glob("*/*.h5")):
        time.sleep(0.01)
    job.kill()
    job.wait()
    begun = len(list(output.glob("*/*.h5")))
    hidden = campaign.input.with_name("hidden")
    campaign.input.rename(hidden)
    try:
        job = campaign.start(output, 3)
        assert job.wait() == 0, job.text()
        assert not campaign.check(output), campaign.check(output)
    finally:
        hidden.rename(campaign.input)
    return f"{begun} begun light curve(s) finished without FITS; {_finish(campaign, output)}"


def corrupted_byte(campaign: TortureCampaign, output: Path) -> str:
    """A damaged file is set aside, kept and said; its light curve is done anew."""
    job = _started(campaign, output, ranks=3)
    while not any(output.glob("*/*.h5")):
        time.sleep(0.01)
    job.kill()
    job.wait()
    victim = next(output.glob("*/*.h5"))
    content = bytearray(victim.read_bytes())
    content[3] ^= 0xFF  # in the signature of HDF5
    victim.write_bytes(content)
    job = campaign.start(output, 3)
    assert job.wait() == 0, job.text()
    kept = victim.with_name(victim.name + ".damaged")
    assert kept.read_bytes() == content
    assert kept.name in job.text(), job.text()
    kept.unlink()
    return f"kept as {kept.name}, said, done anew; {_finish(campaign, output)}"


def clock_jump(campaign: TortureCampaign, output: Path) -> str:
    """The system's clock is set back an hour and forth while the job runs."""
    job = _started(campaign, output, ranks=3)
    try:
        subprocess.run(["date", "--set", "-1 hour"], check=True, capture_output=True)
        time.sleep(2)
    except subprocess.CalledProcessError as error:
        job.kill()
        job.wait()
        return f"not tried: {error.stderr.decode().strip()}"
    finally:
        subprocess.run(["date", "--set", "+1 hour"], check=False, capture_output=True)
    assert job.wait() == 0, job.text()
    return f"not noticed; {_finish(campaign, output)}"


FAULTS = (
    one_rank_killed,
    job_stopped_for_a_while,
    disk_full,
    output_removed,
    input_removed,
    corrupted_byte,
    clock_jump,
)


def _started(campaign: TortureCampaign, output: Path, ranks: int) -> Job:
    """A job that has begun to inject."""
    job = campaign.start(output, ranks)
    while not any(output.glob("*/*.h5")):
        assert job.process.poll() is None, job.text()
        time.sleep(0.01)
    time.sleep(0.2)
    return job


def _finish(campaign: TortureCampaign, output: Path) -> str:
    """Run the campaign to its end, and compare."""
    job = campaign.start(output, 3)
    status = job.wait()
    assert status == 0, job.text()
    wrong = campaign.check_finished(output)
    assert not wrong, wrong
    return "then finished, nothing differs"


@contextmanager
def _small_disk(directory: Path, size: str) -> Iterator[None]:
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", directory], check=True)
