"""The part of the archive's query service that lightkurve's client uses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from cvzmpi.cvz.stand_in_archive.catalog import Catalog

# A row of each of its tables: the columns, their types, and what is the same in all rows.
_OBSERVATION: dict[str, Any] = {
    "obsid": "",
    "obs_id": "",
    "obs_collection": "TESS",
    "target_name": "",
    "project": "TESS",
    "dataproduct_type": "timeseries",
    "provenance_name": "SPOC",
    "sequence_number": 0,
    "t_min": 0.0,
    "t_exptime": 120.0,
    "s_ra": 0.0,
    "s_dec": 0.0,
}
_PRODUCT: dict[str, Any] = {
    "obsID": "",
    "obs_id": "",
    "obs_collection": "TESS",
    "dataproduct_type": "timeseries",
    "description": "Light curves",
    "dataURI": "",
    "productType": "SCIENCE",
    "productFilename": "",
    "project": "SPOC",
    "size": 2_000_000,
}


def columns_config(body: bytes) -> bytes:
    """Answer to `columnsconfig`: the columns, and which of them are numbers."""
    (which,) = parse_qs(body.decode())["colConfigId"]
    columns = _PRODUCT if which == "Mast.Caom.Products" else _OBSERVATION
    types = {str: "char", int: "int", float: "double"}
    return json.dumps(
        {name: {"text": name, "vot.datatype": types[type(v)]} for name, v in columns.items()}
    ).encode()


def invoke(body: bytes, catalog: Catalog) -> bytes:
    """Answer to `invoke`: observations by filters, or the products of observations."""
    request = json.loads(parse_qs(body.decode())["request"][0])
    if request["service"] == "Mast.Caom.Filtered":
        filters = {f["paramName"]: f["values"] for f in request["params"]["filters"]}
        return _table(_OBSERVATION, _observations(filters, catalog))
    if request["service"] == "Mast.Caom.Products":
        return _table(_PRODUCT, _products(request["params"]["obsid"].split(","), catalog))
    return json.dumps({"status": "ERROR", "msg": f"no service {request['service']}"}).encode()


def _observations(filters: dict[str, list[str]], catalog: Catalog) -> list[dict[str, Any]]:
    (tic,) = filters["target_name"]
    rows = []
    for product in catalog.of_target(int(tic)):
        row = _OBSERVATION | {
            "obsid": f"{product.sector}{product.tic:016d}",
            "obs_id": product.name.removesuffix("_lc.fits"),
            "target_name": tic,
            "sequence_number": product.sector,
            "t_min": 58324.8 + 27.4 * (product.sector - 1),
        }
        discrete = {k: v for k, v in filters.items() if k in row and k != "t_exptime"}
        if all(str(row[name]) in values for name, values in discrete.items()):
            rows.append(row)
    return rows


def _products(obsids: list[str], catalog: Catalog) -> list[dict[str, Any]]:
    """The light curve of each observation, and the other files that the archive has of it."""
    rows = []
    for obsid in obsids:
        sector, tic = int(obsid[:-16]), int(obsid[-16:])
        (product,) = [p for p in catalog.of_target(tic) if p.sector == sector]
        stem = product.name.removesuffix("s_lc.fits")
        for name in (product.name, f"{stem}a_fast-lc.fits", f"{stem}s_tp.fits"):
            row = {
                "obsID": obsid,
                "obs_id": product.name.removesuffix("_lc.fits"),
                "dataURI": f"mast:TESS/product/{name}",
                "productFilename": name,
            }
            rows.append(_PRODUCT | row)
    return rows


def _table(columns: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    kinds = {str: "string", int: "int", float: "float"}
    paging = {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": len(rows)}
    return json.dumps(
        {
            "status": "COMPLETE",
            "msg": "",
            "data": rows,
            "fields": [{"name": name, "type": kinds[type(v)]} for name, v in columns.items()],
            "paging": paging | {"rowsFiltered": len(rows), "rowsTotal": len(rows)},
        }
    ).encode()
