"""The catalogue messages: one for each file of a Level 2 product that has been published.

The catalogue of the data centre takes a message `catalog.frame.m` for a FITS file, and
`catalog.object.m` for an ASDF file; names and content are those of the data centre. Made again for
the same inversion, the messages are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

FRAME_KEY, OBJECT_KEY = "catalog.frame.m", "catalog.object.m"
"""Routing keys of the messages for a FITS file and for an ASDF file."""

QUEUES = {FRAME_KEY: "catalog.frame.q", OBJECT_KEY: "catalog.object.q"}
"""The queue of the catalogue for each routing key."""

_NAMESPACE = UUID("6f0d0f0a-1f5b-5c3e-9c53-5d0e5a3f7c11")  # of our ids alone; any would do


@dataclass(frozen=True)
class CatalogueMessage:
    """A message about a file."""

    inversion_id: str
    object_name: str  # the key of the file in its bucket
    routing_key: str
    message_id: str  # the same for the same file of the same inversion
    body: bytes  # JSON


def catalogue_messages(
    bucket: str, object_names: Iterable[str], inversion_id: str
) -> list[CatalogueMessage]:
    """The messages for the files of an inversion: FITS files in their order, then the ASDF file.

    Parameters
    ----------
    bucket : str
        The bucket of the files.
    object_names : iterable of str
        The keys of the files in the bucket.
    inversion_id : str
        The inversion, of which all files are one conversation.
    """
    in_order = sorted(object_names, key=lambda name: name.endswith(".asdf"))
    return [_message(bucket, name, inversion_id) for name in in_order]


def _message(bucket: str, object_name: str, inversion_id: str) -> CatalogueMessage:
    content = {
        "bucket": bucket,
        "objectName": object_name,
        "incrementDatasetCatalogReceiptCount": False,
        "conversationId": str(uuid5(_NAMESPACE, inversion_id)),
    }
    routing_key = FRAME_KEY
    if object_name.endswith(".asdf"):
        routing_key = OBJECT_KEY
        content |= {"objectType": "ASDF", "groupId": inversion_id, "groupName": "DATASET"}
    return CatalogueMessage(
        inversion_id,
        object_name,
        routing_key,
        str(uuid5(_NAMESPACE, f"{inversion_id} {bucket} {object_name}")),
        json.dumps(content).encode(),
    )
