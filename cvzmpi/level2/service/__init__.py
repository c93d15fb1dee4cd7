"""The service: all steps on a schedule, and pages and JSON about the programs."""

from cvzmpi.level2.service.server import run

__all__ = ["run"]
