"""An audit must start at once: the statistics that it uses load neither numpy nor scipy."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import bankable.tools.statistics


def test_all_but_the_simulation_load_no_numerical_library() -> None:
    names = [m.name for m in pkgutil.iter_modules(bankable.tools.statistics.__path__) if m.name != "simulate"]
    assert "paired" in names
    program = f"import sys, importlib\nfor n in {names!r}: importlib.import_module('bankable.tools.statistics.' + n)\n"
    program += "print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
