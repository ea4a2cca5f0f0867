"""Starts a module of this package in any interpreter: ``start.py MODULE [ARGUMENT ...]`` calls the module's ``main()``.

The package is registered under its own name, ``bankable``, with the folder that holds it as its search path. Nothing is
added to ``sys.path``: folders here have common names (``kernels``, ``tools``), and Hugging Face's ``kernels``, which
sglang requires, must stay what an engine finds under that name. Standard library only, and any Python from 3.9 on.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.dirname(HERE)
"""What holds ``graph``, ``nodes``, ``tools`` and the others: a checkout, or the installed package."""
NAME = "bankable"


def register() -> None:
    """Make ``bankable`` importable in this process, from the folder that this file is in; once."""
    if NAME in sys.modules:
        return
    installed = os.path.join(FOLDER, "__init__.py")
    init = installed if os.path.isfile(installed) else os.path.join(FOLDER, "graph", NAME, "__init__.py")
    spec = importlib.util.spec_from_file_location(NAME, init, submodule_search_locations=[FOLDER])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


def main() -> None:
    """Run the module that the command line names, with the arguments behind it as its own."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    register()
    del sys.argv[0]
    sys.exit(importlib.import_module(sys.argv[0]).main())


if __name__ == "__main__":
    main()
