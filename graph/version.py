"""The version of the running package."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version

from bankable.tools.package import FOLDER


def find_version() -> str:
    """The version of a checkout, else that of the installed package; ``unknown`` for loose files."""
    project = FOLDER / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return version("bankable")
    except PackageNotFoundError:
        return "unknown"
