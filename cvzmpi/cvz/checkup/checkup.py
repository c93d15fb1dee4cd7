"""All checks, one after the other: each ends with a finding, whatever is broken or missing here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from cvzmpi.cvz.checkup.campaign import CampaignFound
from cvzmpi.cvz.checkup.finding import Finding, note, problem
from cvzmpi.cvz.configuration import Config
from cvzmpi.errors import CvzmpiError, defect_line, one_line
from cvzmpi.messages.redaction import redacted
from cvzmpi.runtime.command_line import imported

_SECONDS = 150.0  # of a check: those that ask other programs have shorter limits of their own


@dataclass(frozen=True)
class Check:
    """A check, which is imported when its turn comes: it may need what is not installed.

    Attributes
    ----------
    takes : {"campaign", "config", "config or defaults", ""}
        The argument of the function. A check that takes the `config` is left out where that is
        wrong.
    """

    name: str
    function: str
    takes: str = ""


CHECKS = (
    Check("cvzmpi", "cvzmpi.cvz.checkup.software:check_software"),
    Check("campaign", "cvzmpi.cvz.checkup.campaign:check_campaign", "campaign"),
    Check("MPI", "cvzmpi.cvz.checkup.mpi:check_mpi", "config or defaults"),
    Check("HDF5", "cvzmpi.cvz.checkup.hdf5:check_hdf5", "config or defaults"),
    Check("output", "cvzmpi.cvz.checkup.output:check_output", "config"),
    Check("models", "cvzmpi.cvz.checkup.models:check_models", "config"),
    Check("ledger", "cvzmpi.cvz.checkup.ledger:check_ledger", "config"),
    Check("archive", "cvzmpi.cvz.checkup.archive:check_archive", "config"),
    Check("queue", "cvzmpi.cvz.checkup.queue:check_queue"),
    Check("cores", "cvzmpi.cvz.checkup.cores:check_cores"),
)


def check_all(campaign: CampaignFound) -> Iterator[tuple[str, Finding]]:
    """Make all checks; the name and the finding of each, as soon as it is there."""
    for check in CHECKS:
        if check.takes == "config" and campaign.config is None:
            yield check.name, note("not looked at, since the configuration is wrong")
        else:
            yield check.name, _finding_of(check, campaign)


def _finding_of(check: Check, campaign: CampaignFound) -> Finding:
    """Make a check in a thread: a file system that hangs holds up only that, which is left."""
    argument = {
        "": (),
        "campaign": (campaign,),
        "config": (campaign.config,),
        "config or defaults": (campaign.config or Config(),),
    }[check.takes]
    ended: Future[Finding] = Future()
    work = threading.Thread(
        target=lambda: ended.set_result(_made(check.function, *argument)), daemon=True
    )
    work.start()
    wait([ended], _SECONDS)
    if not ended.done():
        return problem(
            f"no answer within {_SECONDS:.0f} s", "look for a file system or a program that hangs"
        )
    finding = ended.result()
    return replace(finding, says=redacted(finding.says))


def _made(function: str, *argument: object) -> Finding:
    try:
        check: Callable[..., Finding] = imported(function)
        return check(*argument)
    except ImportError as error:
        return problem(one_line(error), "install it, or cvzmpi anew: pip install cvzmpi")
    except (CvzmpiError, OSError) as error:
        return problem(one_line(error), "correct that, and look again")
    except Exception as error:  # a checkup ends with findings, also where it has a defect
        return problem(defect_line(error), "report this defect of cvzmpi")
