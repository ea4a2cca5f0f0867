"""``python -m graph`` in a checkout: its own code, whatever version is installed."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "start.py"))["register"]()

from bankable.graph.cli import main

if __name__ == "__main__":
    main()
