"""The bundle: what a run hands over, complete in itself."""

from bankable.tools.bundle.bundle import Manifest, write_bundle

__all__ = ["Manifest", "write_bundle"]
