"""Signals ask once, and end at the second time; the end of the job's time is known."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cvzmpi.mpi.stopping import SIGNALS, JobStopped, StopRequest, job_end

_PROCESS = """
import os, signal, sys, time
from cvzmpi.mpi.stopping import StopRequest
stop = StopRequest()
stop.listen()
print("ready", flush=True)
while not stop:
    time.sleep(0.01)
print(stop.reason, flush=True)
time.sleep(60)
"""


@pytest.fixture
def listener():
    process = subprocess.Popen([sys.executable, "-c", _PROCESS], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()


def test_nobody_asked():
    assert not StopRequest()


def test_the_first_reason_stays():
    stop = StopRequest()
    stop.ask("SIGUSR1")
    stop.ask("SIGTERM")
    assert stop
    assert stop.reason == "SIGUSR1"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_request(listener, number):
    listener.send_signal(number)
    assert listener.stdout.readline() == signal.Signals(number).name + "\n"
    assert listener.poll() is None


def test_a_signal_that_comes_twice_at_once_is_one_request(listener):
    listener.send_signal(signal.SIGTERM)
    assert listener.stdout.readline()
    listener.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert listener.poll() is None


def test_a_second_signal_ends_the_process_at_once(listener):
    listener.send_signal(signal.SIGUSR1)
    assert listener.stdout.readline()
    time.sleep(2.2)
    listener.send_signal(signal.SIGTERM)
    assert listener.wait(timeout=5) == -signal.SIGTERM


def test_the_warning_that_the_system_repeats_is_one_request(listener):
    listener.send_signal(signal.SIGXCPU)
    assert listener.stdout.readline()
    time.sleep(2.2)
    listener.send_signal(signal.SIGXCPU)
    time.sleep(0.3)
    assert listener.poll() is None


def test_what_does_not_look_for_a_request_is_interrupted():
    stop = StopRequest()
    stop.listen()
    with pytest.raises(JobStopped, match="SIGHUP"), stop.interrupting():
        signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)  # not within it
    with pytest.raises(JobStopped), stop.interrupting():
        raise AssertionError("there is a request already")


def test_the_end_of_the_job_is_what_slurm_says():
    assert job_end({"SLURM_JOB_END_TIME": "1795000000"}) == 1795000000.0
    assert job_end({}) is None


def test_the_end_of_the_job_is_asked_of_the_queue(tmp_path, monkeypatch):
    end = int(time.time()) + 3600
    squeue = tmp_path / "squeue"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(end))
    squeue.write_text(f'#!/bin/sh\ntest "$3" = 17 && echo {stamp}\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert job_end({"SLURM_JOB_ID": "17"}) == end
    assert job_end({"SLURM_JOB_ID": "18"}) is None
