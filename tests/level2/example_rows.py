"""Rows of the metadata store as the tests need them."""

import json

OP = "eid_1_118_opAvoqBr_R001.82591.13964206"


def row(dataset_id="BLKGA", **changed):
    """A ViSP dataset of Fe I 630 that passes every criterion; `changed` in the store's names."""
    return {
        "datasetId": dataset_id,
        "productId": f"L1-{changed.get('datasetId', dataset_id)}",
        "bucket": "data",
        "observingProgramExecutionId": OP,
        "instrumentProgramExecutionId": "id.85407.60330",
        "primaryProposalId": "pid_1_118",
        "primaryExperimentId": "eid_1_118",
        "instrumentName": "VISP",
        "createDate": "2023-01-01T12:00:00.123456",
        "updateDate": "2023-01-02T12:00:00",
        "startTime": "2022-06-02T17:22:50.175505",
        "endTime": "2022-06-02T17:47:30.855505",
        "isEmbargoed": False,
        "embargoEndDate": None,
        "exposureTime": 5.009,
        "frameCount": 1000,
        "boundingBox": "(-57.56,-347.5),(-61.91,-467.21)",
        "stokesParameters": "IQUV",
        "wavelengthMin": 629.4,
        "wavelengthMax": 631.0,
        "spectralLines": None,
        "health": {"good": 1000, "bad": None, "ill": None, "unknown": None},
        "gosStatus": {
            "open": 1000,
            "opening": None,
            "closed": None,
            "closing": None,
            "undefined": None,
        },
        "aoLocked": 990,
        "lightLevel": {"min": 1.0, "p25": 2.0, "med": 3.0, "p75": 4.0, "max": 5.0},
        "friedParameter": {"min": 0.01, "p25": 0.02, "med": 0.03, "p75": 0.04, "max": 0.05},
        "polarimetricAccuracy": None,
        **changed,
    }


def calcium(dataset_id="CALCI", **changed):
    """The other dataset that an invertible program has: Ca II 854."""
    return row(dataset_id, **{"wavelengthMin": 853.4, "wavelengthMax": 855.2, **changed})


def context(dataset_id="IMAGE", **changed):
    """Context images of the VBI, which no inversion uses."""
    return row(
        dataset_id,
        **{
            "instrumentName": "VBI",
            "stokesParameters": "I",
            "wavelengthMin": 486,
            "wavelengthMax": 486,
            **changed,
        },
    )


def real_rows(shared_data, year=2023):
    """A real answer of the store."""
    name = {2023: "dataset_inventories_2023", 2025: "dataset_inventories_2025_pid_1_118"}[year]
    answer = json.loads((shared_data / "level2" / f"{name}.json").read_text())
    return answer["data"]["datasetInventories"]
