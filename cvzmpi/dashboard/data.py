"""What programs and scripts ask for: JSON, the chart of the overview, and metrics."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.metrics import CampaignCollector
from cvzmpi.dashboard.pages import LIVE, addresses, unit_and_parts
from cvzmpi.dashboard.parts.throughput import throughput_chart


def add_data(blueprint: Blueprint, look: Look) -> None:
    """Add the addresses of data to a blueprint."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CampaignCollector(look))

    @blueprint.get("/api/status")
    def status_json() -> Response:
        """The same as `cvzmpi status --json`."""
        return jsonify(look.status_json())

    @blueprint.get(f"/api/parts/<any({','.join(LIVE)}):page>")
    def parts_json(page: str) -> Response:
        return jsonify({"parts": LIVE[page](look, addresses())})

    @blueprint.get("/api/parts/unit")
    def unit_json() -> Response:
        return jsonify({"parts": unit_and_parts(look)[1]})

    @blueprint.get("/api/throughput.js")
    def throughput_script() -> Response:
        chart = throughput_chart(look.throughput(), look.campaign.unit_name)
        return Response(chart.script(), content_type="text/javascript; charset=utf-8")

    @blueprint.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)
