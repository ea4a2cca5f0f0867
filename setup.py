"""Maps the top-level folders of this repository into the one package that a wheel installs; see pyproject.toml."""

from setuptools import find_namespace_packages, setup

FOLDERS = ("graph", "nodes", "prompts", "skills", "tools", "kernels", "evals")
HOME = "graph/bankable"
"""What becomes ``bankable/__init__.py`` and its neighbours."""

packages = ["bankable"]
for folder in FOLDERS:
    inner = [name for name in find_namespace_packages(folder) if folder != "graph" or not name.startswith("bankable")]
    packages += [f"bankable.{folder}", *(f"bankable.{folder}.{name}" for name in inner if "__pycache__" not in name)]

setup(packages=packages, package_dir={"bankable": HOME, **{f"bankable.{name}": name for name in FOLDERS}})
