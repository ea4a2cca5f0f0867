"""Started under the engine's interpreter: prints as JSON which package is imported as ``kernels`` there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os


def main() -> None:
    """Print where ``kernels`` would be imported from, and where Hugging Face's package has its files."""
    spec = importlib.util.find_spec("kernels")
    seen = None
    if spec is not None:
        places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
        seen = os.path.realpath(places[0]) if places else ""
    try:
        distribution = importlib.metadata.distribution("kernels")
    except importlib.metadata.PackageNotFoundError:
        installed, version = None, ""
    else:
        installed = os.path.realpath(str(distribution.locate_file("kernels/__init__.py")))
        version = distribution.version
    print(json.dumps({"seen": seen, "installed": installed, "version": version}))
