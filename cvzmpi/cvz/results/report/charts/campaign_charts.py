"""The charts of a campaign, in the order in which its page shows them."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cvzmpi.cvz.results.report.charts import rate_charts, search_charts
from cvzmpi.cvz.results.report.charts.rate_charts import Row
from cvzmpi.cvz.results.report.charts.sky_chart import sky_charts
from cvzmpi.web.chart import Chart


def campaign_charts(
    light_curves: pa.Table,
    stars: Sequence[Row],
    energy: float,
    include_marked: bool = False,
) -> list[Chart]:
    """All charts of a campaign.

    Parameters
    ----------
    light_curves : pa.Table
        Of the index.
    stars : sequence of dict
        A row for each star, as `campaign_stars` makes them.
    energy : float
        In erg, of the rates `energy_rate` of the stars.
    include_marked : bool
        Draw stars and light curves with quality marks in all charts; else only in those of
        positions and of the time that the work took.
    """
    believed, believed_stars = light_curves, list(stars)
    if not include_marked:
        believed = light_curves.filter(pc.equal(light_curves["marks"], ""))
        believed_stars = [star for star in stars if not star["marks"]]
    return [
        rate_charts.distributions(believed_stars),
        rate_charts.hertzsprung_russell(believed_stars),
        *rate_charts.rate_charts(believed_stars, energy),
        rate_charts.power_law_indices(believed_stars),
        search_charts.completeness_limits(believed),
        search_charts.limits_and_magnitude(believed_stars),
        search_charts.completeness_and_reliability(believed),
        *sky_charts(stars),
        search_charts.cost_by_stage(light_curves),
        search_charts.cost_by_light_curve(light_curves),
    ]
