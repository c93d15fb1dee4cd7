"""Packages that the plain installation lacks, and the extras that bring them.

Nothing else has to be known where one is imported: a command that meets a package which is not
there ends with one line, as `cvzmpi scan needs lightkurve: pip install "cvzmpi[search]"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import click

from cvzmpi.errors import MissingPackageError

PACKAGES = {
    "search": {"lightkurve", "astroquery"},
    "index": {"pyarrow"},
    "mpi": {"mpi4py"},
    "postgres": {"psycopg"},
    "serve": {"flask", "prometheus_client", "waitress"},
    "level2": {"asdf", "dkist", "gwcs", "numba", "yaml"},
    "globus": {"globus_sdk"},
    "s3": {"boto3", "botocore"},
    "amqp": {"pika"},
}
"""The packages of each extra, by the names with which they are imported."""


@contextmanager
def needs(extra: str | None = None, what: str | None = None) -> Iterator[None]:
    """Say in one line which extra is missing, where a package of it is imported in this context.

    Parameters
    ----------
    extra : str, optional
        The extra that brings what is imported; by default that which is known to have the package.
    what : str, optional
        Who needs it; by default the command that runs.

    Raises
    ------
    MissingPackageError
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = extra or next((e for e, packages in PACKAGES.items() if package in packages), None)
        if extra is None or package in {"", "cvzmpi"}:
            raise
        raise MissingPackageError(
            f'{what or _command()} needs {package}: pip install "cvzmpi[{extra}]"'
        ) from error


def require(package: str) -> None:
    """Check that an optional package is installed, without the time to import it.

    Raises
    ------
    MissingPackageError
    """
    with needs():
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def _command() -> str:
    """The command that runs, as `cvzmpi scan`."""
    context = click.get_current_context(silent=True)
    words = []
    while context is not None and context.parent is not None:
        words.append(context.info_name or "")
        context = context.parent
    return " ".join(["cvzmpi", *reversed(words)]) if words else "this"
