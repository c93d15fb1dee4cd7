"""A worker rank from its start until it could take its first light curve.

Prints `ready` then, and `complete` when also what a leader imports with its first light curve is
there: astropy for FITS files and the periodogram, celerite2.
"""

from __future__ import annotations

from cvzmpi.engine.launch import World, pin_to_one_core


def main() -> None:
    """Do what `cvzmpi run` does before the first assignment."""
    pin_to_one_core()
    World.start()  # MPI_Init
    from cvzmpi.config import Config
    from cvzmpi.cvz.campaign import CvzCampaign
    from cvzmpi.engine import job  # noqa: F401

    campaign = CvzCampaign.begin(Config())
    campaign.prepare()
    print("ready", flush=True)
    import astropy.io.fits
    import astropy.timeseries  # noqa: F401
    import celerite2.backprop  # noqa: F401

    print("complete", flush=True)


if __name__ == "__main__":
    main()
