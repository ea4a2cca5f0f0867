"""Finds the model that a name means: a folder, or a Hugging Face id in the local cache, downloaded where it is not.

The cache is the one that every tool of Hugging Face uses; which revision was served goes into the evidence with the
model's name (``org/name@commit``), so that a later run of the same evidence serves the same files.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.serving.environment import inherit_environment

_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,100}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
DOWNLOADER = Path(__file__).resolve().parent / "_download.py"
ONLINE = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HF_TOKEN",
    "HF_ENDPOINT",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
)
"""What the downloader may inherit besides; no server does."""


@dataclass(frozen=True)
class NamedModel:
    """A model that was asked for."""

    name: str
    """As it goes into the evidence: the path as given, or ``org/name@commit``."""
    path: Path
    """Folder with its files."""


def find_model(name: str, engine_python: Path, environ: Mapping[str, str] | None = None) -> NamedModel:
    """The folder of a model. Raises ``UserError`` for an id that is not cached and cannot be downloaded, and for GGUF.

    A path that does not look like an id is returned as it is: the check of the folder says what is wrong with it.
    """
    environ = os.environ if environ is None else environ
    path = Path(name)
    if path.suffix.lower() == ".gguf" or (path.is_dir() and _only_gguf(path)):
        raise UserError(
            "Cannot serve the model: GGUF files are not supported",
            name,
            "give a folder or Hugging Face id with safetensors weights",
        )
    match = _ID.fullmatch(name)
    if path.exists() or match is None:
        return NamedModel(name, path)
    identity, revision = match["id"], match["revision"] or "main"
    snapshot = _find_cached(identity, revision, environ) or _download(identity, revision, engine_python, environ)
    return NamedModel(f"{identity}@{snapshot.name}", snapshot)


def split_revision(name: str) -> tuple[str, str]:
    """``org/name@commit`` as id and commit; without a commit the name and an empty text."""
    match = _ID.fullmatch(name)
    if match is None or match["revision"] is None or not _COMMIT.fullmatch(match["revision"]):
        return name, ""
    return match["id"], match["revision"]


def _only_gguf(folder: Path) -> bool:
    return any(folder.glob("*.gguf")) and not any(folder.glob("*.safetensors"))


def _cache(environ: Mapping[str, str]) -> Path:
    """Folder of the cache, by the variables that Hugging Face's own tools read."""
    if environ.get("HF_HUB_CACHE"):
        return Path(environ["HF_HUB_CACHE"])
    if environ.get("HF_HOME"):
        return Path(environ["HF_HOME"]) / "hub"
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    return Path(base) / "huggingface" / "hub"


def _find_cached(identity: str, revision: str, environ: Mapping[str, str]) -> Path | None:
    """The snapshot of a revision, where it has a configuration and weights or their index is complete."""
    root = _cache(environ) / f"models--{identity.replace('/', '--')}"
    commit = revision
    if not _COMMIT.fullmatch(revision):
        ref = root / "refs" / revision
        if ".." in Path(revision).parts or not ref.is_file():
            return None
        commit = ref.read_text(encoding="utf-8", errors="replace").strip()
    if not _COMMIT.fullmatch(commit):
        return None
    snapshot = root / "snapshots" / commit
    return snapshot if (snapshot / "config.json").is_file() and _has_weights(snapshot) else None


def _has_weights(snapshot: Path) -> bool:
    """Whether every file of the weights is there: an interrupted download leaves some out."""
    index = snapshot / "model.safetensors.index.json"
    if not index.is_file():
        return any(path.is_file() for pattern in ("*.safetensors", "*.bin") for path in snapshot.glob(pattern))
    named = set(re.findall(r'"([^"/\\]+\.safetensors)"', index.read_text(encoding="utf-8", errors="replace")))
    return bool(named) and all((snapshot / name).is_file() for name in named)


def _download(identity: str, revision: str, engine_python: Path, environ: Mapping[str, str]) -> Path:
    """Let the engine's own Hugging Face library download the revision; its progress bar goes to the terminal."""
    env = {**inherit_environment(environ), **{name: environ[name] for name in ONLINE if name in environ}}
    try:
        done = subprocess.run(
            [str(engine_python), str(DOWNLOADER), identity, revision],
            env={**env, "DO_NOT_TRACK": "1", "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise _unavailable(identity, str(error)) from error
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else f"exit status {done.returncode}"
    folder = Path(last)
    if done.returncode != 0 or not _COMMIT.fullmatch(folder.name) or not folder.is_dir():
        raise _unavailable(identity, last)
    return folder


def _unavailable(identity: str, why: str) -> UserError:
    return UserError(
        f"Cannot serve the model: {identity} is not in the local cache and could not be downloaded, {why[:300]}",
        identity,
        "give a model folder, or download it where the network allows",
    )
