"""Environment variables of a child process: built from an allow-list, so that no secret of the caller reaches it."""

from __future__ import annotations

import os
from collections.abc import Mapping

PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "ROCM_PATH",
    "XDG_CACHE_HOME",
    "HF_HOME",
    "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
)
"""What a server may inherit: paths, locale, caches and device visibility."""

RECORDED = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
"""Inherited variables that can change what is measured; they go into the evidence."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
"""No child of this project downloads or reports anything."""


def inherit_environment(parent: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allow-listed part of the caller's environment."""
    source = os.environ if parent is None else parent
    return {name: source[name] for name in PASSED_ON if name in source}


def isolate_environment(extra: Mapping[str, str], parent: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of a child: inherited, offline, current directory not importable, then ``extra``."""
    return {**inherit_environment(parent), **OFFLINE, "PYTHONSAFEPATH": "1", **extra}
