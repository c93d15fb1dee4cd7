"""Metrics for Prometheus, read from the ledger when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cvzmpi.dashboard.look.job_life import Life
from cvzmpi.dashboard.look.look import Figures, Look
from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.states import State

_JOB = ("job", "program", "host", "queue_id")


class CampaignCollector(Collector):
    """The metrics of a campaign; without the ledger only `cvzmpi_ledger_up`, which is 0 then."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """All metrics, of one look at the ledger."""
        try:
            figures = self._look.figures()
        except CvzmpiError:  # the next line says it
            yield _gauge("ledger_up", "1 where the ledger can be read", 0)
            return
        yield _gauge("ledger_up", "1 where the ledger can be read", 1)
        yield from self._units(figures)
        yield from self._jobs(figures)

    def _units(self, figures: Figures) -> Iterator[Metric]:
        status = figures.status
        units = GaugeMetricFamily("cvzmpi_units", "Units by state", labels=["state"])
        for state, n in status.counts.items():
            units.add_metric([state.value], n)
        yield units
        yield CounterMetricFamily("cvzmpi_done", "How often units were done", value=figures.n_done)
        yield _gauge("failures", "Units in error", status.counts[State.ERROR])
        yield _gauge("failure_reasons", "Different reasons of them", len(status.failures))
        yield _gauge("half_done", "Units of which an earlier job left something", status.half_done)
        yield _gauge("undelivered_events", "Events in outboxes", status.undelivered)
        yield _gauge("steps_per_second", "Steps of all running jobs", status.steps_per_second)
        if (rate := status.speed.per_hour) is not None:
            yield _gauge("done_per_hour", "Units done in an hour", rate.value)
        if (left := status.speed.seconds_left) is not None:
            yield _gauge("seconds_left", "Until all is done", left.value)
            yield _gauge("seconds_left_low", "Low end of its 95 % interval", left.low)
            yield _gauge("seconds_left_high", "High end of its 95 % interval", left.high)

    def _jobs(self, figures: Figures) -> Iterator[Metric]:
        running = figures.status.running
        jobs = GaugeMetricFamily(
            "cvzmpi_jobs", "Jobs that have not ended, by what is known of them", labels=["life"]
        )
        lives = [self._look.life(one) for one in running]
        for life in Life:
            jobs.add_metric([life.value], lives.count(life))
        yield jobs
        ranks = GaugeMetricFamily("cvzmpi_job_ranks", "Ranks of a job", labels=_JOB)
        silence = GaugeMetricFamily(
            "cvzmpi_job_silence_seconds", "Since the last sign of life of a job", labels=_JOB
        )
        steps = CounterMetricFamily("cvzmpi_job_steps", "Steps that a job has done", labels=_JOB)
        for one in running:
            job = one.job
            labels = [str(job.id), job.program, job.host, job.queue_id or ""]
            ranks.add_metric(labels, job.ranks)
            silence.add_metric(labels, max(one.silent, 0.0))
            steps.add_metric(labels, job.steps)
        living = [
            one.job.ranks for one, life in zip(running, lives, strict=True) if life is not Life.DEAD
        ]
        yield _gauge("ranks", "Ranks of all jobs that are not dead", sum(living))
        yield from (ranks, silence, steps)
        yield _gauge(
            "lease_seconds", "Silence after which a job is dead", self._look.campaign.lease
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cvzmpi_{name}", text, value=value)
