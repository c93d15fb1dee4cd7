"""The faults of a configuration in words: what is wrong, what was expected, what may be meant."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from cvzmpi.messages.redaction import redacted, shown_url
from cvzmpi.messages.wording import did_you_mean, question

_SHOWN = 200  # characters of a wrong value in a message
_WITH_UNIT = re.compile(r"[0-9.]+\s*[A-Za-z%]+")

# Clearer words than in the messages of pydantic, by the type of the error.
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "path_type": "a path, in quotes",
    "model_type": "a section with keys of its own",
}


def explain(model: type[BaseModel], source: str, error: Any) -> str:
    """One line for one thing that pydantic found wrong."""
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        parent = ".".join(str(part) for part in error["loc"][:-1])
        known = ", ".join(_known_keys(model, parent))
        meant = _meant(model, key, error["input"])
        return f"{source}: unknown key {key!r}; known here: {known}{meant}"
    if error["type"] == "value_error":
        return f"{source}: {key}: {error['ctx']['error']}"
    expected = _EXPECTED.get(error["type"])
    if expected is None:
        expected = error["msg"].removeprefix("Input should be ")
    return f"{source}: {key} = {_shown(error['input'])}: expected {expected}{_hint(model, error)}"


def _hint(model: type[BaseModel], error: Any) -> str:
    """More about a wrong value: the one that is probably meant, or the unit that it is in."""
    value = error["input"]
    if not isinstance(value, str):
        return ""
    if error["type"] == "literal_error":
        return did_you_mean(value, re.findall("'(.*?)'", error["ctx"]["expected"]))
    if error["type"] in {"int_type", "float_type"} and _WITH_UNIT.fullmatch(value.strip()):
        *sections, name = error["loc"]
        for section in sections:
            model = type(model.model_fields[section].default)
        return f" without a unit: {model.model_fields[name].description}"
    return ""


def _meant(model: type[BaseModel], key: str, value: Any) -> str:
    """The question for the known keys that an unknown one, or the first in it, may stand for."""
    if isinstance(value, dict) and value:
        key = f"{key}.{next(iter(value))}"
    known = _dotted_keys(model)
    elsewhere = [other for other in known if other.split(".")[-1] == key.split(".")[-1]]
    return question(elsewhere) or did_you_mean(key, known)


def _dotted_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All settings, as `detect.threshold`."""
    keys = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            keys += _dotted_keys(type(field.default), f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _shown(value: Any) -> str:
    """A value as messages show it: on one line, not too long, and without secrets."""
    try:
        text = repr(shown_url(value)) if isinstance(value, str) else redacted(repr(value))
    except (ValueError, RecursionError):  # thousands of digits, or sections within sections
        return f"({type(value).__name__})"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _known_keys(model: type[BaseModel], section: str) -> list[str]:
    for name in filter(None, section.split(".")):
        model = model.model_fields[name].annotation  # type: ignore[assignment]
    return sorted(model.model_fields)
