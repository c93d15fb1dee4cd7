"""`python one_light_curve.py FITS N_INJECT DIRECTORY`: the work on one light curve.

It is run with this version of the package and with an earlier one, and so uses only what both have.
Prints the processor seconds and the path of the sector file, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()

from mpi4py import MPI  # noqa: E402

from cvzmpi.cvz.configuration import load  # noqa: E402
from cvzmpi.cvz.light_curves.fits_input import read_light_curve  # noqa: E402
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource  # noqa: E402
from cvzmpi.cvz.work.campaign import CvzCampaign  # noqa: E402
from cvzmpi.mpi.stopping import StopRequest  # noqa: E402
from cvzmpi.mpi.team import Team  # noqa: E402
from cvzmpi.scheduler.campaign import Control, Unit  # noqa: E402


def main() -> None:
    """Work on the light curve that is named, after all that comes before the first one."""
    file, n_inject, directory = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    settings = [f"inject.n_inject={n_inject}", "checkpoint.fsync=false"]
    config = load(None, settings, {"output.directory": str(directory)})
    campaign = CvzCampaign.begin(config)
    campaign.prepare()
    source = LightCurveSource(read_light_curve(file).id, file)
    unit = Unit(source.id.name, 1.0, content=source)
    control = Control(StopRequest(), lambda _: None)
    begin = time.process_time()
    result = campaign.work(unit, Team(MPI.COMM_SELF), control)
    print(json.dumps({"seconds": time.process_time() - begin, "path": result["path"]}))


if __name__ == "__main__":
    main()
