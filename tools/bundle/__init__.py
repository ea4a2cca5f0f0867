"""The bundle: the self-contained result of a run."""

from bankable.tools.bundle.bundle import Manifest, write_bundle

__all__ = ["Manifest", "write_bundle"]
