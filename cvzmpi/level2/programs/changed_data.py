"""Programs whose data changed since the criteria were evaluated, by their datasets then and now.

A new version of a dataset that differs in its bucket, product id or embargo alone has the same
data. A dataset that is processed again is another one, and replaces its predecessor.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.catalogue import Catalogue, DatasetVersion, Qualification
from cvzmpi.level2.programs.program import ObservingProgram, group


def changed_programs(
    catalogue: Catalogue, program: str | None = None, *, within: sa.Connection | None = None
) -> dict[str, str]:
    """The programs whose datasets changed since the criteria were evaluated; how, in words.

    Parameters
    ----------
    program : str, optional
        This program alone.
    """
    newest = catalogue.newest_versions(program, within=within)
    programs = group(version.dataset for version in newest.values())
    answers = {
        name: answer
        for name, answer in catalogue.qualifications(within=within).items()
        if program in (None, name)
    }
    earlier = _answered_versions(catalogue, answers.values(), newest, within)
    changed = {}
    for name, answer in answers.items():
        found = programs.get(name) or ObservingProgram(name, ())
        if news := _news(found, answer, newest, earlier):
            changed[name] = news
    return changed


def _answered_versions(
    catalogue: Catalogue,
    answers: Collection[Qualification],
    newest: dict[str, DatasetVersion],
    within: sa.Connection | None,
) -> dict[tuple[str, int], Dataset]:
    """The datasets that were evaluated, by id and version, where there is a newer version now."""
    wanted = {
        (dataset, version)
        for answer in answers
        for dataset, version in answer.versions.items()
        if dataset in newest and newest[dataset].version != version
    }
    versions = catalogue.versions_at(wanted, within=within)
    return {(v.dataset_id, v.version): v.dataset for v in versions}


def _news(
    program: ObservingProgram,
    answer: Qualification,
    newest: dict[str, DatasetVersion],
    earlier: dict[tuple[str, int], Dataset],
) -> str:
    """The difference between the datasets that were evaluated and those of now; "" if none."""
    now_there = {d.dataset_id: d for d in program.spectropolarimetric}
    news = []
    for name, dataset in now_there.items():
        version = answer.versions.get(name)
        if version == newest[name].version:
            continue
        if version is None or not dataset.same_data(earlier[name, version]):
            news.append(name)
    if news:
        return f"datasets came or changed: {', '.join(news)}"
    gone = answer.versions.keys() - now_there
    if superseded := sorted(gone & {d.dataset_id for d in program.superseded}):
        return f"datasets were replaced: {', '.join(superseded)}"
    return "a dataset left" if gone else ""
