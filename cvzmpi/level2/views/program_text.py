"""All that is known of a program, as text to print."""

from __future__ import annotations

from cvzmpi.level2.views.inversions import describe_inversion
from cvzmpi.level2.views.programs import DatasetView, ProgramView

_TIME = "%Y-%m-%d %H:%M"


def describe(view: ProgramView) -> str:
    """All that is known of a program, as text to print."""
    item = view.item
    lines = [
        item.name,
        f"  {item.state} since {item.since:{_TIME}} UTC"
        + (f", reserved by {item.claimed_by}" if item.claimed_by else "")
        + (f"; {item.news}" if item.changed else ""),
        f"  proposal {item.proposal}, experiment {item.experiment}, "
        f"{', '.join(item.instruments)}"
        + (f", from {item.start:{_TIME}} UTC" if item.start else ""),
        *([f"  under embargo {item.embargo}"] if item.embargo else []),
        *(f"  note by {note.written_by}, {note.at:{_TIME}}: {note.text}" for note in view.notes),
        "datasets",
    ]
    for dataset in view.datasets:
        lines += _describe_dataset(dataset)
    lines.append("criteria" if view.criteria else "criteria: not evaluated yet")
    for criterion in view.criteria:
        mark = {True: "yes", False: "NO", None: "-"}[criterion["passed"]]
        lines.append(f"  {criterion['criterion']} ({criterion['rule']}): {mark}")
        lines += [f"    {f['dataset']}  {f['text']}" for f in criterion["findings"]]
    for inversion in view.inversions:
        lines += describe_inversion(inversion)
        if replaced := view.superseded_of(inversion.inversion):
            lines.append(f"  made of superseded datasets: {', '.join(replaced)}")
    lines.append("history")
    for event in view.history:
        message = f"  {event.message}" if event.message else ""
        lines.append(f"  {event.at:{_TIME}}  {event.to_state}  [{event.job.program}]{message}")
    return "\n".join(lines) + "\n"


def _describe_dataset(view: DatasetView) -> list[str]:
    d = view.version.dataset
    facts = [
        f"version {view.version.version}",
        d.instrument or "unknown instrument",
        d.wavelengths,
        f"{d.frame_count} frames" if d.frame_count else "unknown number of frames",
        f"product {d.product_id}" if d.product_id else "",
        f"bucket {d.bucket}" if d.bucket else "",
        f"superseded by {view.superseded_by or 'another'}" if view.superseded else "",
    ]
    first = f"  {d.dataset_id}  {'  '.join(fact for fact in facts if fact)}"
    return [first, *(f"    cannot be read: {what}" for what in d.unreadable)]
