"""All that is known of a program, as text to print."""

from __future__ import annotations

from cvzmpi.level2.programs.inversions import InversionView
from cvzmpi.level2.programs.remarks import in_words
from cvzmpi.level2.views.programs import DatasetView, ProgramView
from cvzmpi.level2.views.states import InversionState, inversion_state

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
        *(line for dataset in view.datasets for line in _describe_dataset(dataset)),
        "criteria" if view.criteria else "criteria: not evaluated yet",
    ]
    for criterion in view.criteria:
        mark = {True: "yes", False: "NO", None: "-"}[criterion["passed"]]
        lines.append(f"  {criterion['criterion']} ({criterion['rule']}): {mark}")
        lines += [f"    {f['dataset']}  {f['text']}" for f in criterion["findings"]]
    for inversion in view.inversions:
        lines += _describe_inversion(inversion, view.superseded_of(inversion.inversion))
    lines.append("history")
    for event in view.history:
        message = f"  {event.message}" if event.message else ""
        lines.append(f"  {event.at:{_TIME}}  {event.to_state}  [{event.job.program}]{message}")
    return "\n".join(lines) + "\n"


def _describe_dataset(shown: DatasetView) -> list[str]:
    d = shown.version.dataset
    facts = [
        f"version {shown.version.version}",
        d.instrument or "unknown instrument",
        d.wavelengths,
        f"{d.frame_count} frames" if d.frame_count else "unknown number of frames",
        f"product {d.product_id}" if d.product_id else "",
        f"bucket {d.bucket}" if d.bucket else "",
        f"superseded by {shown.superseded_by or 'a newer one of its product'}"
        if shown.superseded
        else "",
    ]
    first = f"  {d.dataset_id}  {'  '.join(fact for fact in facts if fact)}"
    return [first, *(f"    cannot be read: {what}" for what in d.unreadable)]


def _describe_inversion(view: InversionView, superseded: list[str]) -> list[str]:
    inversion, state = view.inversion, inversion_state(view)
    made_by = f", {by}" if (by := inversion.detail.get("by")) else ""
    commit = f", commit {view.commit}" if view.commit else ""
    made = f"{inversion.method}{made_by}{commit}"
    lines = [
        f"inversion {inversion.inversion_id}  {made}  {inversion.at:{_TIME}}",
        f"  {state}" + (f" {view.published:{_TIME}}" if state is InversionState.PUBLISHED else ""),
    ]
    if superseded:
        lines.append(f"  made of superseded datasets: {', '.join(superseded)}")
    if view.withdrawal is not None:
        lines.append(f"  {in_words(view.withdrawal)}")
        if view.published is not None:
            lines.append(f"  it was published {view.published:{_TIME}}: its record stays")
    return lines + [
        f"  note by {note.written_by}, {note.at:{_TIME}}: {note.text}" for note in view.notes
    ]
