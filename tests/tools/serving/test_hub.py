"""A model by folder or Hugging Face id, from a cache and a downloader that are made here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.serving.hub import DOWNLOADER, find_model, split_revision

COMMIT, OLDER = "a" * 40, "b" * 40
NO_ENGINE = Path("/nowhere/python")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """``org/model`` in two revisions, the newer one on ``main``."""
    root = tmp_path / "hub" / "models--org--model"
    for commit in (COMMIT, OLDER):
        snapshot = root / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
        (snapshot / "model.safetensors").write_bytes(b"weights")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
    return tmp_path / "hub"


def complaint(name: str, python: Path, environ: dict[str, str]) -> str:
    with pytest.raises(UserError) as refused:
        find_model(name, python, environ)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_a_folder_is_itself(tmp_path: Path) -> None:
    found = find_model(str(tmp_path), NO_ENGINE, {})
    assert (found.name, found.path) == (str(tmp_path), tmp_path)
    assert find_model("/no/such/folder", NO_ENGINE, {}).path == Path("/no/such/folder")


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
def test_an_id_in_the_cache_is_its_snapshot_with_the_revision_pinned(cache: Path, variable: str) -> None:
    places = {"HF_HUB_CACHE": cache, "HF_HOME": cache.parent}
    if variable not in places:
        folder = cache.parent / ("huggingface" if variable == "XDG_CACHE_HOME" else ".cache/huggingface")
        folder.mkdir(parents=True)
        cache.rename(folder / "hub")
    place = {variable: str(places.get(variable, cache.parent))}
    found = find_model("org/model", NO_ENGINE, place)
    assert found.name == f"org/model@{COMMIT}"
    assert (found.path / "model.safetensors").read_bytes() == b"weights"
    assert find_model(found.name, NO_ENGINE, place) == found, "a pinned name finds the same files"


def test_another_revision_can_be_asked_for(cache: Path) -> None:
    found = find_model(f"org/model@{OLDER}", NO_ENGINE, {"HF_HUB_CACHE": str(cache)})
    assert (found.path.name, found.name) == (OLDER, f"org/model@{OLDER}")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "shard"])
def test_an_interrupted_download_is_not_taken(cache: Path, missing: str) -> None:
    snapshot = cache / "models--org--model" / "snapshots" / COMMIT
    if missing == "shard":
        index = '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'
        (snapshot / "model.safetensors.index.json").write_text(index)
    else:
        (snapshot / missing).unlink()
    line = complaint("org/model", NO_ENGINE, {"HF_HUB_CACHE": str(cache)})
    assert line.startswith("Cannot serve the model: org/model is not in the local cache")


def test_a_revision_does_not_lead_out_of_the_cache(cache: Path) -> None:
    (cache / "secret").write_text(COMMIT)
    assert "not in the local cache" in complaint("org/model@../../secret", NO_ENGINE, {"HF_HUB_CACHE": str(cache)})


def _downloader(folder: Path, body: str) -> Path:
    """An interpreter that runs this in place of the downloader; ``sys.argv[1:]`` are its script, id and revision."""
    (folder / "body.py").write_text(body)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/body.py" "$@"\n')
    python.chmod(0o755)
    return python


def test_an_id_that_is_not_cached_is_downloaded(tmp_path: Path) -> None:
    body = (
        "import os, pathlib, sys\n"
        f"folder = pathlib.Path(os.environ['HF_HUB_CACHE']) / {COMMIT!r}\n"
        "folder.mkdir(parents=True)\n"
        "(folder / 'asked').write_text(' '.join(sys.argv[1:]) + ' ' + ' '.join(sorted(os.environ)))\n"
        "print(folder)\n"
    )
    environ = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HTTPS_PROXY": "http://proxy", "OPENAI_API_KEY": "x"}
    found = find_model("org/other", _downloader(tmp_path, body), environ)
    assert found.name == f"org/other@{COMMIT}"
    asked = (found.path / "asked").read_text().split()
    assert asked[:3] == [str(DOWNLOADER), "org/other", "main"]
    assert "HTTPS_PROXY" in asked
    assert "OPENAI_API_KEY" not in asked


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("print('LocalEntryNotFoundError: no network'); raise SystemExit(1)", "no network"),
        ("raise SystemExit(3)", "exit status 3"),
        ("print('/somewhere/else')", "/somewhere/else"),
    ],
)
def test_no_network_is_one_line(tmp_path: Path, body: str, why: str) -> None:
    line = complaint("org/other", _downloader(tmp_path, body), {"HF_HUB_CACHE": str(tmp_path)})
    assert line.startswith("Cannot serve the model: org/other is not in the local cache and could not be downloaded")
    assert why in line


def test_gguf_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    for name in (str(tmp_path / "model.gguf"), str(tmp_path), "org/some.gguf"):
        assert complaint(name, NO_ENGINE, {}).startswith("Cannot serve the model: GGUF files are not supported")


def test_only_a_commit_is_a_pinned_revision() -> None:
    assert split_revision(f"org/model@{COMMIT}") == ("org/model", COMMIT)
    for name in ("org/model", "org/model@main", "/models/m"):
        assert split_revision(name) == (name, "")
