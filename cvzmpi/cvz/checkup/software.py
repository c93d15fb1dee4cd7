"""Python and cvzmpi: which ones are used here."""

from __future__ import annotations

import platform
import sys

from cvzmpi import __version__
from cvzmpi.cvz.checkup.finding import Finding, ok


def check_software() -> Finding:
    """Say the versions, and which of perhaps several Pythons this is."""
    return ok(f"{__version__}; Python {platform.python_version()}, {sys.executable}")
