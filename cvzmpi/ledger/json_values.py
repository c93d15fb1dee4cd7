"""Values as JSON knows them."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON knows it: criterion values may be NaN or NumPy's, paths are text."""
    if isinstance(value, dict):
        return {str(key): plain(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inside) for inside in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path | datetime) else value
