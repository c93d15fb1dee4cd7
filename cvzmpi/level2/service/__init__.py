"""The service: all steps on a schedule, and pages and JSON about the programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvzmpi.errors import ConfigError

if TYPE_CHECKING:
    from cvzmpi.level2.steps import Level2Steps


def run(steps: Level2Steps) -> None:
    """Run the service, as `server.serve` does.

    Raises
    ------
    ConfigError
        Also if the libraries of the service are not installed.
    """
    try:
        from cvzmpi.level2.service.server import serve  # Flask and waitress are optional
    except ImportError as error:
        text = f"the service needs {error.name}: pip install 'cvzmpi[level2]'"
        raise ConfigError(text) from error
    serve(steps)
