"""`cvzmpi serve`: the dashboard of a campaign."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.commands.settings import settings_of_output, whole_light_curve
from cvzmpi.cvz.configuration import Config
from cvzmpi.dashboard.look.campaign import Figure, ServedCampaign, retry_in
from cvzmpi.dashboard.server import serve_campaign
from cvzmpi.runtime.all_ranks import DONE

_FIGURES = (
    Figure("n_flares", "flares"),
    Figure("largest_flare", "largest: equivalent duration", "s"),
    Figure("largest_energy", "its energy", "erg"),
    Figure("search", "search", is_text=True),
)
"""As `results.outcome` names them."""


def serve(file: Path | None, output: Path | None, host: str, port: int, proxy: str) -> int:
    """Serve until a signal ends it."""
    serve_campaign(served_campaign(settings_of_output(file, output)), host, port, proxy)
    return DONE


def served_campaign(config: Config) -> ServedCampaign:
    """The campaign of a configuration as the dashboard knows it."""
    location = config.ledger_location()
    return ServedCampaign(
        title="Stellar flares",
        unit_name="light curve",
        step_name="injection",
        location=location,
        outboxes=config.outboxes(),
        lease=config.ledger.lease,
        retry=retry_in(location),
        findings="Newest flares",
        figures=_FIGURES,
        found="n_flares",
        whole=whole_light_curve(config),
    )
