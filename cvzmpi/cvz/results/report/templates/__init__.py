"""The pages of the report as Jinja2 templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cvzmpi import __version__
from cvzmpi.cvz.results.report.energy_in_words import energy_in_words
from cvzmpi.messages.wording import counted
from cvzmpi.web.chart import SCRIPTS, STYLES


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cvzmpi.cvz.results.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "version": __version__,
        "chart_scripts": SCRIPTS,
        "chart_styles": STYLES,
        "counted": counted,
    }
    environment.filters["energy_in_words"] = energy_in_words
    return environment


def page(template: str, **content: Any) -> str:
    """A page as HTML, of the file of a template and all that it needs; what is missing is an error.

    `root` is the relative address of the directory of the report.
    """
    return _environment().get_template(template).render(**content)
