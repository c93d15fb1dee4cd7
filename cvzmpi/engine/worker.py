"""The work on one unit, as every rank of a team does it."""

from __future__ import annotations

import socket
import time
import traceback
from dataclasses import replace

from cvzmpi.engine.campaign import Campaign, Outcome, Unit
from cvzmpi.engine.claim import Claim
from cvzmpi.engine.control import Control, UnitStopped
from cvzmpi.engine.team import Team, TeamMateError
from cvzmpi.errors import CvzmpiError
from cvzmpi.redaction import redacted


def work_on(campaign: Campaign, unit: Unit, team: Team, control: Control) -> Outcome:
    """Work on a unit; whatever it raises becomes its outcome, and costs this unit only.

    Parameters
    ----------
    campaign : Campaign
    unit : Unit
    team : Team
    control : Control
    """
    start = time.perf_counter()
    claims: list[Claim] = []  # the leader's
    try:
        if not team.lead(lambda: _claim(campaign, unit, claims)):
            return Outcome(unit.name, unfinished="another job works on it")
        with team.together():
            result = campaign.work(unit, team, control)
    except UnitStopped:
        progress = campaign.progress(unit) if team.is_leader else None
        outcome = Outcome(unit.name, unfinished="stopped", progress=progress)
    except Exception as error:
        trace = None if isinstance(error, CvzmpiError) else traceback.format_exc()
        outcome = Outcome(unit.name, error=_one_line(error, team), traceback=trace)
    else:
        outcome = Outcome(unit.name, result=result)
    for claim in claims:
        claim.release()
    return replace(outcome, seconds=time.perf_counter() - start)


def _claim(campaign: Campaign, unit: Unit, claims: list[Claim]) -> bool:
    """Claim the unit for this team; False where another job has it."""
    claim = Claim.take(campaign.claim_file(unit))
    if claim is None:
        return False
    claims.append(claim)
    return True


def _one_line(error: Exception, team: Team) -> str:
    """What failed and where; a user's error speaks for itself, a defect names its type and line."""
    message = redacted(" ".join(str(error).split()))
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
