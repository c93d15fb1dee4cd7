"""The work on one unit, as every rank of a team does it."""

from __future__ import annotations

import socket
import time

from cvzmpi.engine.campaign import Campaign, Outcome, Report, Unit
from cvzmpi.engine.team import Team, TeamMateError
from cvzmpi.errors import CvzmpiError


def work_on(campaign: Campaign, unit: Unit, team: Team, report: Report) -> Outcome:
    """Work on a unit; whatever it raises becomes its outcome, and costs this unit only."""
    start = time.perf_counter()
    try:
        result = campaign.work(unit, team, report)
    except Exception as error:
        return Outcome(unit.name, _one_line(error, team), time.perf_counter() - start)
    return Outcome(unit.name, None, time.perf_counter() - start, result)


def _one_line(error: Exception, team: Team) -> str:
    """What failed and where; a user's error speaks for itself, a defect names its type and line."""
    message = " ".join(str(error).split())
    if not isinstance(error, CvzmpiError):
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        line = ""
        if trace is not None:
            code = trace.tb_frame.f_code
            line = f" [{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}]"
        message = f"{type(error).__name__}: {message}{line}"
    if isinstance(error, TeamMateError):
        return message
    return f"{message} ({team.name} on {socket.gethostname()})"
