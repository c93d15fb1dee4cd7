"""How far the files of an inversion are on their way to the archive."""

from __future__ import annotations

from cvzmpi.ledger import Recorded
from cvzmpi.level2.configuration import PublishConfig
from cvzmpi.level2.programs.inversions import InversionView


def destinations(history: list[Recorded], inversion_id: str) -> list[str]:
    """The directories in a bucket where an inversion was brought, the newest first."""
    details = [event.detail or {} for event in reversed(history)]
    return [
        str(detail["destination"])
        for detail in details
        if detail.get("record", {}).get("inversionId") == inversion_id and "destination" in detail
    ]


def transfer_state(
    view: InversionView, history: list[Recorded], settings: PublishConfig, embargo: str
) -> str:
    """The way of the files of an inversion, in words."""
    inversion_id = view.inversion.inversion_id
    for destination in destinations(history, inversion_id):
        return f"in {destination}"
    if (settings.staging / f"{inversion_id}.transfer").exists():
        return "transfer under way"
    if not view.to_publish:
        return "not transferred"
    if embargo:
        return f"waits: under embargo {embargo}"
    made = (settings.staging / inversion_id).exists()
    return "files made, transfer not begun" if made else "files not made yet"
