"""A campaign on some FITS files, in this process alone."""

from pathlib import Path

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, Unit


def run_campaign(models, inputs, output, settings):
    """Work on all FITS files in a directory; their sector files, and how many steps were done."""
    paths = {"input.directory": str(inputs), "output.directory": str(output)}
    campaign = CvzCampaign(load(None, values_by_key=settings | paths), StellaDetector(models))
    campaign.prepare()
    output.mkdir(exist_ok=True)
    steps = []
    control = Control(StopRequest(), steps.append)
    sources, rejected = scan_directory(inputs)
    assert not rejected
    results = [
        campaign.work(Unit(source.id.name, 1.0, content=source), Team.alone(), control)
        for source in sources
    ]
    return [Path(result["path"]) for result in results], sum(steps)
