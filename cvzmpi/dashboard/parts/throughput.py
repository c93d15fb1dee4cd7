"""The chart of the overview: units done and failed in each interval of time."""

from __future__ import annotations

from cvzmpi.estimates import duration
from cvzmpi.ledger.status.activity import Throughput
from cvzmpi.web.chart import Axis, Chart, Series

NAME = "throughput"
_LONG = -3 * 3600.0  # seconds from now; what is longer is shown in hours


def throughput_chart(throughput: Throughput, unit_name: str) -> Chart:
    """Units done and failed over time.

    They are counted and not rates an hour: a few done in ten seconds promise nothing for the hour.
    """
    within = duration(throughput.seconds)
    begins = [interval.begin for interval in throughput.intervals]
    seconds = [(begin - throughput.at).total_seconds() for begin in begins]
    unit, in_unit = ("h", 3600) if seconds[0] < _LONG else ("min", 60)
    edges = [*(since / in_unit for since in seconds), 0.0]
    done = [interval.n_done for interval in throughput.intervals]
    failed = [interval.n_failed for interval in throughput.intervals]
    return Chart(
        NAME,
        f"{unit_name.capitalize()}s in {within}",
        f"The {unit_name}s done in intervals of {within}, and those that "
        "failed and are not retried. The last interval is not over yet.",
        Axis("time from now", unit),
        Axis(f"{unit_name}s in {within}", whole=True, covers=(0.0,)),
        (
            Series("done", edges, done, "steps", "series-3"),
            Series("failed", edges, failed, "steps", "series-2", dashed=True),
        ),
        nothing=f"No {unit_name} is done yet.",
    )
