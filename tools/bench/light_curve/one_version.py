"""The injections of one light curve by whichever version of cvzmpi is imported, in this process.

`python -m tools.bench.light_curve.one_version FILE N_FLARES` writes one line of JSON: the processor
seconds that they took, and the decisions as a string of 0 and 1.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.curves import observe


def main(file: Path, n_flares: int) -> None:
    """Search the first flares of a light curve."""
    searched = Searched(Ensemble(), observe(read_light_curve(file)))
    searched.recovered(0, min(n_flares, 40))  # memory is there, and the matrices are laid out
    start = time.process_time()
    recovered = searched.recovered(0, n_flares)
    seconds = time.process_time() - start
    decisions = "".join("01"[value] for value in recovered.ravel().astype(int))
    print(json.dumps({"seconds": seconds, "decisions": decisions}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
