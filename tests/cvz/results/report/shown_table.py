"""The tables that the pages of a report hand to the browser."""

import json
import re


def shown_table(text, name):
    """The rows of a table of the report, by column."""
    table = json.loads(re.search(rf'cvzmpi\.table\("{name}", (.*)\);', text)[1])
    shared = re.search(rf'cvzmpi\.columns\("{name}", (.*)\);', text)
    names = [column["key"] for column in table.get("columns") or json.loads(shared[1])]
    return [
        dict(zip(names, (c[0] if isinstance(c, list) else c for c in row), strict=True))
        for row in table["rows"]
    ]
