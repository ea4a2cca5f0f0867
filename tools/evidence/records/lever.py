"""Server configurations, and levers: the differences between two configurations."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import Digest, Record, Scalar


class ServerConfig(Record):
    """A server configuration: engine flags by their long name with underscores, and environment variables."""

    flags: dict[str, Scalar] = Field(default={})
    """``{"chunked_prefill_size": 32, "disable_radix_cache": True}``; ``True`` is a bare flag, ``False`` is absent."""
    env: dict[str, str] = Field(default={})
    """Environment variables of the server, by name."""

    def with_lever(self, lever: Lever) -> ServerConfig:
        """This configuration with the lever's values laid over it."""
        return ServerConfig(flags={**self.flags, **lever.flags}, env={**self.env, **lever.env})


class OverlayPart(Record):
    """One operator that an overlay replaces, as the plan declares it before the first launch."""

    implementation: str
    """Id of the implementation, as in the rows of its operator benchmark."""
    digest: Digest
    """Over the files of the overlay folder."""
    source_digest: Digest
    """Of the source file that the operator's patch point must resolve to on the candidate."""
    parameters: dict[str, Scalar] = Field(default={})
    """Launch parameters as tuned; the live ones must be these (E02)."""
    table: bool = False
    """Parameters come from a table keyed by shape, so that look-ups have to hit (E03)."""
    bench: int = Field(default=1, ge=1)
    """Attempt of the operator benchmark that the implementation comes from, 1-based."""


class Lever(Record):
    """A declared change: what the candidate has and the reference has not. Empty for a control."""

    flags: dict[str, Scalar] = Field(default={})
    """Engine flags that the candidate sets, by long name with underscores."""
    env: dict[str, str] = Field(default={})
    """Environment variables that the candidate sets, by name."""
    overlays: dict[str, OverlayPart] = Field(default={})
    """Replaced operators by name."""

    def names(self) -> list[str]:
        """Every flag, variable and operator that the lever changes, sorted."""
        return sorted([*self.flags, *self.env, *self.overlays])

    def settings(self) -> dict[str, Scalar]:
        """Every change by name: flags, variables, and replaced operators with their implementation."""
        return {**self.flags, **self.env, **{name: part.implementation for name, part in self.overlays.items()}}

    def text(self) -> str:
        """``name=value, …``, sorted; empty for a control."""
        return ", ".join(f"{name}={value}" for name, value in sorted(self.settings().items()))

    @model_serializer(mode="wrap")
    def _without_empty_overlays(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A lever of configuration alone is written as it always was, so that older run folders can be resumed."""
        written: dict[str, Any] = dump(self)
        if not self.overlays:
            written.pop("overlays", None)
        return written
