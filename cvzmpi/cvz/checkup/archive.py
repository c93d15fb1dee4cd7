"""The archive: whether it can be reached, and whether there is room for what it sends."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from cvzmpi.cvz.address import listing_address
from cvzmpi.cvz.archive.asked_kinds import asked_kinds
from cvzmpi.cvz.archive.http.answers import FILE, ForbiddenError, NotInArchiveError, PassingError
from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.checkup.finding import Finding, Level, note, ok
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.product import Product, address_of
from cvzmpi.cvz.light_curves.product_kinds import TWO_MINUTES, ProductKind
from cvzmpi.errors import ArchiveError, ConfigError
from cvzmpi.messages.redaction import shown_url

_LIMITS = ClientLimits(
    connect_timeout=5.0, read_timeout=5.0, transfer_timeout=10.0, attempts=1, min_bytes_per_second=0
)
# A light curve that the archive has; a mirror may answer that it does not.
_PRODUCT = Product.of_name("tess2018206045859-s0001-0000000358108509-0120-s_lc.fits")


def check_archive(config: Config) -> Finding:
    """Ask the archive for a light curve and for a listing of each product that is searched.

    No more is read than whether it answers.
    """
    settings = config.archive
    needed = Level.NOTE if settings.targets is None else Level.PROBLEM
    unneeded = "; this campaign needs none" if settings.targets is None else ""
    if settings.find == "search" and find_spec("lightkurve") is None:
        return Finding(
            needed,
            f'archive.find = "search" needs lightkurve{unneeded}',
            'pip install "cvzmpi[search]", or find = "listings"',
        )
    try:
        kinds = _kinds(config)
    except ConfigError as error:
        return Finding(needed, str(error), "name others in input.products")
    asked = {address_of(_PRODUCT, settings.address): settings.address}
    if settings.find == "listings":
        patterns = [(getattr(settings, kind.listings), kind.first_sector) for kind in kinds]
        asked |= {listing_address(pattern, sector): pattern for pattern, sector in patterns}
    client = ArchiveClient(_LIMITS)
    for address, base in asked.items():
        if (reason := _why_no_answer(client, address, base)) is not None:
            return Finding(
                needed,
                f"{reason}{unneeded}",
                "connect to the network, or let archive.address and "
                f"{' and '.join(f'archive.{kind.listings}' for kind in kinds)} name a mirror",
            )
    if settings.targets is None:
        return ok(f"{shown_url(settings.address)} answers{unneeded}")
    return _check_scratch(config)


def _kinds(config: Config) -> tuple[ProductKind, ...]:
    """The kinds of light curves that the archive is asked for, or would be.

    Raises
    ------
    ConfigError
        If the archive does not have one of them.
    """
    if config.archive.targets is None:
        return (TWO_MINUTES,)
    return asked_kinds(ChosenProducts.of(config))


def _why_no_answer(client: ArchiveClient, address: str, base: str) -> str | None:
    """The reason why nothing can be fetched from an archive; None if it answers."""
    if base.startswith(FILE):
        directory = Path(unquote(base.removeprefix(FILE)))
        if "{sector" in base:
            directory = directory.parent
        return None if directory.is_dir() else f"{directory} is no directory"
    try:
        client.fetch(address, lambda _: None)
    except (NotInArchiveError, ForbiddenError):
        return None
    except ArchiveError as error:
        passing = isinstance(error.__cause__, PassingError)  # of the one attempt
        reason = str(error.__cause__ if passing else error).removeprefix(f"{address}: ")
        return f"{shown_url(base)}: {reason}"
    return None


def _check_scratch(config: Config) -> Finding:
    settings = config.archive
    address, scratch = shown_url(settings.address), settings.scratch.absolute()
    existing = next(path for path in (scratch, *scratch.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1e9
    if free < settings.scratch_gb:
        return note(
            f"{address} answers; {scratch} has {free:,.1f} GB free, and may take "
            f"{settings.scratch_gb:g}",
            "make room, or lower archive.scratch_gb",
        )
    return ok(f"{address} answers; {scratch} may take {settings.scratch_gb:g} GB")
