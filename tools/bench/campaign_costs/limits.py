"""What limits a campaign: how long each part of it would take alone, by the number of cores.

The parts run beside each other, so the longest of them says how long the campaign takes. All is
arithmetic on `Costs`, whose values are measured or assumed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

_HOUR = 3600.0


@dataclass(frozen=True)
class Costs:
    """What one light curve, one start of a rank and the machines around them cost."""

    core_seconds: float
    """Of one light curve on one core: search and injections, all stages and checkpoints."""
    synchronisations: float
    """Waits for the disk (fsync) of one light curve."""
    synchronisation_seconds: float
    """Of one of them, on the file system of the campaign."""
    file_requests: float
    """Of one light curve to the server of names: to open, look at, create, rename."""
    file_bytes: float
    """That one light curve reads and writes."""
    start_seconds: float
    """Of a rank, in processor time, until it can take a light curve."""
    start_requests: float
    """Of all starts on one node, to the server of names."""
    ranks_per_node: int
    names_per_second: float
    """Requests that the server of names answers."""
    bytes_per_second: float
    """That the file system carries, for all nodes together."""
    run_seconds: float
    """Between the start of a job and the moment when the queue takes its nodes."""
    lost_seconds: float
    """Of each rank's work, when that happens: half of the time between checkpoints."""
    archive_requests_per_second: float
    """The limit that cvzmpi keeps to: `archive.requests_per_second`."""
    archive_connections: int
    archive_file_seconds: float
    """Of one file on one connection."""
    ledger_units_per_second: float
    """Light curves that are claimed, begun and ended."""
    index_seconds: float
    """Of one light curve, on one core."""
    report_seconds: float
    """Of one light curve, on one core."""


@dataclass(frozen=True)
class Part:
    """A part of a campaign, and the hours that it would take if nothing else took any."""

    name: str
    hours: float


def archive_rate(costs: Costs) -> float:
    """Files a second that the archive gives within the limits of politeness."""
    by_connections = costs.archive_connections / costs.archive_file_seconds
    return min(costs.archive_requests_per_second, by_connections)


def start_wall_seconds(costs: Costs, cores: int) -> float:
    """Seconds from the start of a job until its ranks can work.

    The ranks compute beside each other, and all ask one server of names.
    """
    nodes = -(-cores // costs.ranks_per_node)
    return max(costs.start_seconds, nodes * costs.start_requests / costs.names_per_second)


def working_share(costs: Costs, cores: int) -> float:
    """The share of a job's time in which its ranks do work that lasts; 0 if none does."""
    lost = start_wall_seconds(costs, cores) + costs.lost_seconds
    return max(0.0, 1 - lost / costs.run_seconds)


def parts(costs: Costs, n_light_curves: int, cores: int) -> list[Part]:
    """Every part of a campaign, in the order of the table."""
    waiting = costs.synchronisations * costs.synchronisation_seconds
    share = working_share(costs, cores)
    search = (costs.core_seconds + waiting) / cores / share if share > 0 else float("inf")
    names = costs.file_requests / costs.names_per_second
    seconds = {
        "search and injections": search,
        "archive": 1 / archive_rate(costs),
        "file system": max(names, costs.file_bytes / costs.bytes_per_second),
        "ledger": 1 / costs.ledger_units_per_second,
        "index and report": costs.index_seconds + costs.report_seconds,
    }
    return [Part(name, n_light_curves * each / _HOUR) for name, each in seconds.items()]


def longest(found: list[Part]) -> Part:
    """The part that the others wait for."""
    return max(found, key=lambda part: part.hours)


def cores_until(costs: Costs, name: str) -> float:
    """The number of cores above which a part takes longer than search and injections.

    The waits for the disk are in it, the starts of jobs are not: they are below a hundredth.
    """
    waiting = costs.synchronisations * costs.synchronisation_seconds
    alone = next(part.hours for part in parts(costs, 1, 1) if part.name == name)
    return (costs.core_seconds + waiting) / (alone * _HOUR)
