"""The embargo of a program in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cvzmpi.level2.metadata_store.dataset import Dataset


def embargo(datasets: Iterable[Dataset], at: datetime) -> str:
    """The embargo of some datasets, as "until 2026-05-01"; "" if there is none at that time.

    A dataset is under embargo if the store says so, or names an end that is to come.
    """
    ends = [d.embargo_end for d in datasets if d.embargoed or (d.embargo_end or at) > at]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return "without an end"
    if not known:
        return ""
    passed = "" if max(known) > at else ", which has passed; the metadata store keeps it"
    return f"until {max(known):%Y-%m-%d}{passed}"
