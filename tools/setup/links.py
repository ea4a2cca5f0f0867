"""Makes a tree of links in which static tools find the package as it is installed: ``links.py FOLDER``.

Imports say ``bankable.tools``, and the folder is ``tools``. setup.py maps one to the other for an installation; mypy
and import-linter read files and see no such mapping, so they are pointed at FOLDER.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("graph", "nodes", "prompts", "skills", "tools", "kernels", "evals")
HOME = REPOSITORY / "graph" / "bankable"


def main() -> None:
    """Create missing links."""
    package = Path(sys.argv[1]) / "bankable"
    package.mkdir(parents=True, exist_ok=True)
    for target in (*(REPOSITORY / name for name in FOLDERS), *HOME.glob("*.py"), HOME / "py.typed"):
        link = package / target.name
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(target, package.resolve()))


if __name__ == "__main__":
    main()
