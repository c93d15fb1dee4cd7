"""The catalogue messages, as the data centre's own programs send them."""

import json
from uuid import UUID

from cvzmpi.level2.interservice_bus.messages import catalogue_messages

NAMES = ["pid_1_2/inv_ABC123/A.asdf", "pid_1_2/inv_ABC123/2.fits", "pid_1_2/inv_ABC123/1.fits"]


def test_there_is_a_frame_message_for_each_fits_file_and_then_an_object_message():
    one, other, asdf = catalogue_messages("data", NAMES, "inv.ABC123")
    assert [m.routing_key for m in (one, other, asdf)] == [
        "catalog.frame.m",
        "catalog.frame.m",
        "catalog.object.m",
    ]
    conversation = json.loads(one.body)["conversationId"]
    assert json.loads(one.body) == {
        "bucket": "data",
        "objectName": "pid_1_2/inv_ABC123/2.fits",
        "incrementDatasetCatalogReceiptCount": False,
        "conversationId": conversation,
    }
    assert json.loads(other.body)["objectName"] == "pid_1_2/inv_ABC123/1.fits"
    assert json.loads(asdf.body) == {
        "bucket": "data",
        "objectName": "pid_1_2/inv_ABC123/A.asdf",
        "objectType": "ASDF",
        "groupId": "inv.ABC123",
        "groupName": "DATASET",
        "incrementDatasetCatalogReceiptCount": False,
        "conversationId": conversation,
    }
    assert str(UUID(conversation)) == conversation


def test_made_again_they_are_the_same_and_others_for_another_inversion_or_bucket():
    messages = catalogue_messages("data", NAMES, "inv.ABC123")
    assert catalogue_messages("data", NAMES, "inv.ABC123") == messages
    ids = {m.message_id for m in messages}
    assert len(ids) == 3
    assert ids.isdisjoint(m.message_id for m in catalogue_messages("data", NAMES, "inv.OTHER1"))
    assert ids.isdisjoint(m.message_id for m in catalogue_messages("public", NAMES, "inv.ABC123"))
