"""What files do to the process that reads them on trial; the first word in each says it."""

import os
import signal
import time

import numpy as np


def check(path):
    """Do what the file says."""
    kind, _, argument = path.read_text().partition(" ")
    match kind:
        case "fine":
            return None
        case "foreign":
            return "not one of these"
        case "crash":
            os.kill(os.getpid(), signal.Signals[argument])
        case "spin":
            while True:
                pass
        case "wait":
            time.sleep(float(argument))
            return None
        case "greedy":
            np.ones(1 << 40, np.uint8)
        case "spoil":
            os.environ["SPOILED"] = "1"
            raise ValueError("two\nlines")
        case "spoiled":
            assert "SPOILED" not in os.environ
            return None
        case "environment":
            return " ".join(sorted(os.environ))
        case "count":
            with open(argument, "a") as counter:
                counter.write("x")
            return None
    raise AssertionError(kind)
