"""Tests try the code beside them, whatever version is installed."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "start.py"))["register"]()
