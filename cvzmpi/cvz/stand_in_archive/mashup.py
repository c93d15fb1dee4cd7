"""The part of the archive's query service that lightkurve's client uses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import FAST, KINDS, QLP, TESS_SPOC, TWO_MINUTES
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
            "obsid": _obsid(product),
            "obs_id": _obs_id(product),
            "obs_collection": product.uri.removeprefix("mast:").partition("/")[0],
            "provenance_name": product.kind.author,
            "t_exptime": float(product.kind.seconds_in(product.sector)),
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
        (product,) = [p for p in catalog.of_target(int(obsid[-16:])) if _obsid(p) == obsid]
        directory = product.uri.removesuffix(product.name)
        for name in (product.name, *_other_files(product, catalog)):
            row = {
                "obsID": obsid,
                "obs_id": _obs_id(product),
                "obs_collection": product.uri.removeprefix("mast:").partition("/")[0],
                "dataURI": f"{directory}{name}",
                "productFilename": name,
                "project": product.kind.author,
            }
            rows.append(_PRODUCT | row)
    return rows


def _obsid(product: Product) -> str:
    """A number for an observation, as the archive has one."""
    return f"{KINDS.index(product.kind) + 1}{product.sector:04d}{product.tic:016d}"


def _obs_id(product: Product) -> str:
    """The name of an observation: that of TESS-SPOC's is of the target pixels."""
    if product.kind is TESS_SPOC:
        return product.name.replace("_lc.fits", "_tp")
    return product.name.removesuffix(".fits").removesuffix("_lc").removesuffix("-lc")


def _other_files(product: Product, catalog: Catalog) -> list[str]:
    """Other files that the archive has of an observation: with 2 minutes, also those of 20 s."""
    if product.kind is TWO_MINUTES:
        fast = catalog.of_sector(product.sector, FAST)
        names = [other.name for other in fast if other.tic == product.tic]
        return [*names, product.name.replace("s_lc.fits", "s_tp.fits")]
    if product.kind is QLP:
        return [product.name.replace(".fits", ".txt")]
    return [product.name.replace("lc.fits", "tp.fits")]


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
