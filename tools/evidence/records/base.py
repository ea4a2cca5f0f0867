"""Common parts of all records: the base model, the version of the run folder, and the types of their fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""Version of the run folder. A folder with a higher number was written by a newer version and is refused."""

Scalar = bool | int | float | str
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""sha256, lower-case hexadecimal."""


class Record(BaseModel):
    """Base of everything that this project writes: frozen, and strict about what it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    """Built when first used: most audits use few of them, and building all takes longer than such an audit."""
