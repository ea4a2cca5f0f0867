"""Checking a model folder before anything is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.serving.command import Permissions
from bankable.tools.serving.model import check_model


def complaint(path: Path, permissions: Permissions | None = None) -> str:
    with pytest.raises(UserError) as caught:
        check_model(path, permissions)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_good_folder_is_described(model: Path) -> None:
    folder = check_model(model)
    assert (folder.architecture, folder.context_length) == ("Qwen3ForCausalLM", 512)
    assert [path.name for path in folder.weights] == ["model.safetensors"]


def test_a_wrong_path_and_an_empty_folder(tmp_path: Path) -> None:
    assert "not found" in complaint(tmp_path / "nowhere")
    assert "empty" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b"{}", "names no architecture"),
        (b'{"architectures": "Qwen"}', "names no architecture"),
        (b" " * 5_000_000, "is larger than"),
    ],
)
def test_a_bad_configuration(model: Path, content: bytes, said: str) -> None:
    (model / "config.json").write_bytes(content)
    assert said in complaint(model)


def test_a_folder_without_configuration_tokenizer_or_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()
    assert "has no weights" in complaint(model)
    assert check_model(model, dummy_weights=True).weights == ()
    (model / "tokenizer.json").rename(model / "notes.txt")
    assert "no tokenizer" in complaint(model)
    (model / "config.json").unlink()
    assert "config.json cannot be read" in complaint(model)


def test_pickled_weights_need_a_permission(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "pickle" in complaint(model)
    assert "--allow-pickle" in complaint(model)
    assert check_model(model, Permissions(pickle=True)).weights[0].name == "pytorch_model.bin"


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_the_model_needs_a_permission(model: Path, name: str) -> None:
    content = json.loads((model / "config.json").read_text()) | {"auto_map": {"AutoModel": "evil.Evil"}}
    (model / name).write_text(json.dumps(content))
    assert f"{name} asks to run code" in complaint(model)
    assert check_model(model, Permissions(remote_code=True)).architecture == "Qwen3ForCausalLM"


def test_the_digest_covers_configuration_and_weights_only(model: Path) -> None:
    first, stamp = check_model(model).digest(), check_model(model).stamp()
    (model / "README.md").write_text("hello")
    assert check_model(model).digest() == first
    assert check_model(model).stamp() == stamp
    (model / "model.safetensors").write_bytes(b"weighty")
    changed = check_model(model)
    assert changed.digest() != first
    assert changed.stamp() != stamp
