"""One light curve by whichever version of cvzmpi is imported, in this process.

`python -m tools.bench.light_curve.one_version FILE N_FLARES stella|both` writes one line of JSON.
Its seconds are processor time:

- `stella`: the search by stella alone: `fixed` of reading, detection and Gaussian process, and
  `injections` of so many flares; `decisions` about them as a string of 0 and 1.
- `both`: `whole`, all stages of a campaign with both searches and so many flares.

Both begin with reading the file, and write none.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cvzmpi
from cvzmpi.cvz.detection.significance.finding import fit_quiet_star
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.curves import observe


def by_stella(file: Path, n_flares: int) -> dict[str, Any]:
    """Search by stella, fit the Gaussian process, and search the first injected flares."""
    ensemble = Ensemble()
    Searched(ensemble, observe(read_light_curve(file)))  # memory is there
    start = time.process_time()
    observation = observe(read_light_curve(file))
    searched = Searched(ensemble, observation)
    quiet = ~searched.detection.mask
    fit_quiet_star(observation, np.zeros(len(observation.flux)), quiet, ensemble.config)
    fixed = time.process_time() - start
    searched.recovered(0, min(n_flares, 40))  # memory is there, and the matrices are laid out
    start = time.process_time()
    recovered = searched.recovered(0, n_flares)
    seconds = time.process_time() - start
    decisions = "".join("01"[value] for value in recovered.ravel().astype(int))
    return {"fixed": fixed, "injections": seconds, "decisions": decisions}


def by_both(file: Path, n_flares: int) -> dict[str, float]:
    """Search by both, and inject flares."""
    cvzmpi.inject(file, n_inject=1)  # what is imported once, is
    start = time.process_time()
    cvzmpi.inject(file, n_inject=n_flares)
    return {"whole": time.process_time() - start}


if __name__ == "__main__":
    does: dict[str, Callable[[Path, int], dict[str, Any]]]
    does = {"stella": by_stella, "both": by_both}[sys.argv[3]]
    print(json.dumps(does(Path(sys.argv[1]), int(sys.argv[2]))))
