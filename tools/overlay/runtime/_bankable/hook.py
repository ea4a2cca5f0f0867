"""Calls back when a module has been imported, before anybody else sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

Callback = Callable[[ModuleType], None]


class _Loader(Loader):
    """The module's own loader, and then the callback."""

    def __init__(self, loader: Loader, then: Callback) -> None:
        self._loader, self._then = loader, then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.__loader__ = self._loader  # who asks for the source finds the module's own
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._then(module)


class _Finder(MetaPathFinder):
    def __init__(self, callbacks: dict[str, Callback]) -> None:
        self._callbacks = callbacks

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        then = self._callbacks.pop(name, None)
        if then is None:
            return None
        spec = find_spec(name)  # by all the other finders: this one no longer knows the name
        if spec is None or spec.loader is None:
            return spec
        spec.loader = _Loader(spec.loader, then)
        return spec


def after_import(callbacks: dict[str, Callback]) -> None:
    """Call each callback once, with the module of its name, as soon as that module is there."""
    waiting = dict(callbacks)
    for name in [name for name in waiting if name in sys.modules]:
        waiting.pop(name)(sys.modules[name])
    if waiting:
        sys.meta_path.insert(0, _Finder(waiting))
