"""The base of the models of what the metadata store has."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class StoreRow(BaseModel):
    """Base of the rows, whose keys are in camel case; unknown keys are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )

    not_of_the_store: ClassVar[frozenset[str]] = frozenset()
    """Fields that the store does not have."""

    @classmethod
    def names(cls) -> list[str]:
        """The store's names of the fields."""
        fields = cls.model_fields.items()
        return [f.alias or name for name, f in fields if name not in cls.not_of_the_store]
