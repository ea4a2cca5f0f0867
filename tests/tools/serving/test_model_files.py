"""Model files that a server does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.tools.serving.engine import engine_python
from bankable.tools.serving.model_files import list_unneeded

REGISTRY = "if name in envs.SGLANG_DISABLED_MODEL_ARCHS.get():"


def write_package(root: Path, registry: str = REGISTRY) -> Path:
    """A package with a registry, two families of models, a helper and the file for all other architectures."""
    folder = root / "sglang"
    models = folder / "srt" / "models"
    models.mkdir(parents=True)
    (models / "registry.py").write_text(registry)
    (models / "helper.py").write_text("def load(): ...")
    for name, text in {
        "tern": "class TernForCausalLM: ...\nEntryClass = TernForCausalLM",
        "tern_moe": "class TernMoeForCausalLM: ...\nEntryClass = TernMoeForCausalLM",
        "gull": "class GullForCausalLM: ...\nEntryClass = [GullForCausalLM]",
        "gull_and_tern": "from tern import TernForCausalLM\nEntryClass = [Both]",
        "heron": "class HeronModel: ...\nEntryClass = HeronModel",
        "transformers": "class TransformersForCausalLM: ...\nEntryClass = [TransformersForCausalLM]",
    }.items():
        (models / f"{name}.py").write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("architecture", "unneeded"),
    [
        ("TernForCausalLM", ("gull", "heron")),
        ("GullForCausalLM", ("gull_and_tern", "heron", "tern", "tern_moe")),
        ("HeronModel", ("gull", "gull_and_tern", "tern", "tern_moe")),
        ("StorkForCausalLM", ()),
        ("Tern", ()),
    ],
)
def test_a_file_is_needed_that_names_the_architecture_or_its_family(
    tmp_path: Path, architecture: str, unneeded: tuple[str, ...]
) -> None:
    assert list_unneeded(write_package(tmp_path), architecture, {}) == unneeded


def test_all_are_needed_beside_a_draft_model_or_where_the_engine_does_not_know_the_setting(tmp_path: Path) -> None:
    package = write_package(tmp_path / "new")
    assert list_unneeded(package, "TernForCausalLM", {"max_running_requests": 3})
    assert list_unneeded(package, "TernForCausalLM", {"speculative_algorithm": "EAGLE"}) == ()
    assert list_unneeded(write_package(tmp_path / "old", "import all"), "TernForCausalLM", {}) == ()
    assert list_unneeded(tmp_path / "none", "TernForCausalLM", {}) == ()


def test_the_installed_engine_needs_few_of_its_files() -> None:
    (package,) = engine_python().parent.parent.glob("lib/python3*/site-packages/sglang")
    unneeded = list_unneeded(package, "Qwen3ForCausalLM", {})
    assert len(unneeded) > 150
    assert not {"qwen3", "qwen3_moe", "transformers", "registry"} & set(unneeded)
