"""Values of Level 1 headers, as the tables of `dkist` have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def value_of(header: Mapping[str, Any], key: str) -> Any:
    """A value as a plain Python object; None where the header lacks it."""
    value = header.get(key)
    if value is None or np.ma.is_masked(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value
