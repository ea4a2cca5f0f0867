"""Checks a model folder before any launch, and computes its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bankable.tools.errors import UserError
from bankable.tools.serving.command import Permissions

CONFIG_LIMIT = 4 * 1024 * 1024
"""Bytes of a JSON file; real ones have a few kB."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tiktoken.model", "tekken.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class ModelFolder:
    """A folder that the engine can serve."""

    path: Path
    architecture: str
    context_length: int | None
    """Tokens, ``max_position_embeddings`` of the (text) configuration; ``None`` when it does not say."""
    weights: tuple[Path, ...]
    """Sorted by name; empty for a folder that is only good for ``--load-format dummy``."""
    config: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Content of config.json."""

    def stamp(self) -> tuple[tuple[int, int, int, int], ...]:
        """Size, mtime, ctime and inode of every file that the digest covers: the same stamp means the same digest."""
        states = [path.stat() for path in (self.path / "config.json", *self.weights)]
        return tuple((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) for status in states)

    def digest(self) -> str:
        """sha256 over name and content of config.json and the weight files. Reads everything: minutes for 100 GB."""
        total = hashlib.sha256()
        for path in (self.path / "config.json", *self.weights):
            total.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
            with path.open("rb") as source:
                while chunk := source.read(CHUNK):
                    total.update(chunk)
        return total.hexdigest()


def check_model(path: Path, permissions: Permissions | None = None, dummy_weights: bool = False) -> ModelFolder:
    """The folder's description. Raises ``UserError`` with one line that says what is wrong and what to do."""
    allowed = permissions or Permissions()
    where = str(path)
    if not path.is_dir():
        raise UserError(
            "Cannot serve the model: model folder not found",
            where,
            "give the path of a local folder with config.json and weights",
        )
    if not any(path.iterdir()):
        raise UserError(
            "Cannot serve the model: model folder is empty",
            where,
            "add config.json, a tokenizer and safetensors weights",
        )
    config = _json_object(path / "config.json")
    architectures = config.get("architectures")
    if not (isinstance(architectures, list) and architectures and isinstance(architectures[0], str)):
        raise UserError(
            "Cannot serve the model: config.json names no architecture",
            str(path / "config.json"),
            "use a Hugging Face model folder",
        )
    if not allowed.remote_code:
        _refuse_code(path, config)
    if not any((path / name).is_file() for name in TOKENIZER_FILES):
        raise UserError(
            "Cannot serve the model: model folder has no tokenizer", where, "copy tokenizer.json next to config.json"
        )
    return ModelFolder(
        path=path.resolve(),
        architecture=architectures[0],
        context_length=_context_length(config),
        weights=() if dummy_weights else _weights(path, allowed),
        config=config,
    )


def _json_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as source:
            raw = source.read(CONFIG_LIMIT + 1)
    except OSError as error:
        raise UserError(
            f"Cannot serve the model: {path.name} cannot be read, {error.strerror or error}",
            str(path),
            "check the folder",
        ) from error
    if len(raw) > CONFIG_LIMIT:
        raise UserError(
            f"Cannot serve the model: {path.name} is larger than {CONFIG_LIMIT} bytes", str(path), "give a model folder"
        )
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"Cannot serve the model: {path.name} is not JSON", str(path), "download or export the model again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"Cannot serve the model: {path.name} is not a JSON object", str(path), "download or export the model again"
        )
    return content


def _refuse_code(path: Path, config: dict[str, Any]) -> None:
    """``auto_map`` makes transformers import Python files that come with the model."""
    documents = [("config.json", config)]
    documents += [
        (n, _json_object(path / n)) for n in ("tokenizer_config.json", "processor_config.json") if (path / n).is_file()
    ]
    for name, document in documents:
        if "auto_map" in document:
            raise UserError(
                f"Cannot serve the model: {name} asks to run code that comes with the model (auto_map)",
                str(path),
                "read that code, then add --trust-remote-code",
            )


def _weights(path: Path, allowed: Permissions) -> tuple[Path, ...]:
    safe = sorted(path.glob("*.safetensors"))
    if safe:
        return tuple(safe)
    pickled = sorted(file for pattern in PICKLES for file in path.glob(pattern))
    if not pickled:
        raise UserError("Cannot serve the model: model folder has no weights", str(path), "add *.safetensors files")
    if not allowed.pickle:
        raise UserError(
            f"Cannot serve the model: weights are pickle files ({pickled[0].name}), which can run code when loaded",
            str(path),
            "convert them to safetensors, or add --allow-pickle",
        )
    return tuple(pickled)


def _context_length(config: dict[str, Any]) -> int | None:
    text = config.get("text_config")
    for source in (config, text if isinstance(text, dict) else {}):
        length = source.get("max_position_embeddings")
        if isinstance(length, int) and length > 0:
            return length
    return None
