"""`cvzmpi level2 write`: the product of one inverted map."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.settings import DisambiguationChoice
from cvzmpi.runtime.all_ranks import DONE


def write(
    dataset: Path,
    prepared: Path,
    inverted: Path,
    output: Path,
    inversion_id: str,
    disambiguation: DisambiguationChoice,
) -> int:
    """Write the product, and print the path of its ASDF file."""
    created = datetime.now(timezone.utc)
    product = write_product(
        dataset, PreparedMap.read(prepared), inverted, output, inversion_id, created, disambiguation
    )
    click.echo(product.asdf)
    return DONE
