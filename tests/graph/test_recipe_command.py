"""``bankable recipe``: InferenceX's configurations as runs of this project, in both forms of the file."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from bankable.graph.cli import app
from bankable.graph.request import RunOptions, build_config

NEW = {
    "tiny-bf16-h200-sglang": {
        "image": "lmsysorg/sglang:v0.5.23",
        "model": "org/tiny",
        "model-prefix": "tiny",
        "runner": "h200",
        "precision": "bf16",
        "framework": "sglang",
        "scenarios": {
            "fixed-seq-len": [
                {
                    "isl": 1024,
                    "osl": 1024,
                    "search-space": [
                        {"tp": 8, "ep": 8, "dp-attn": True, "conc-start": 4, "conc-end": 24},
                        {"tp": 1, "conc-list": [16, 4, 4]},
                        {"tp": 4, "spec-decoding": "mtp", "conc-list": [4]},
                        {"prefill": {"tp": 4}, "decode": {"tp": 8}, "conc-list": [4]},
                    ],
                },
                {"isl": 2048, "osl": 128, "search-space": [{"tp": 1, "conc-list": [4]}]},
            ]
        },
    }
}
OLD = {
    "tiny-old": {
        "model": "org/tiny",
        "framework": "sglang",
        "precision": "fp8",
        "seq-len-configs": [{"isl": 8192, "osl": 1024, "search-space": [{"tp": 2, "conc-list": [8]}]}],
    }
}


def recipe(tmp_path: Path, content: object, *words: str) -> Result:
    (tmp_path / "c.yaml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return CliRunner().invoke(app, ["recipe", str(tmp_path / "c.yaml"), *words])


def test_each_entry_is_a_run_and_what_cannot_be_run_is_named(tmp_path: Path) -> None:
    lines = recipe(tmp_path, NEW, "tiny-bf16-h200-sglang", "--model", "M", "--scale", "8").output.splitlines()
    assert lines == [
        "bankable run --model M --workload inferencex-1k1k/8 --concurrency 4,8,16,24 --flag tp_size=8 --flag ep_size=8"
        " --flag enable_dp_attention=true --flag dp_size=8",
        "bankable run --model M --workload inferencex-1k1k/8 --concurrency 4,16",
        "# not run: 1024/1024, speculative decoding (mtp)",
        "# not run: 1024/1024, several nodes, or prefill apart from decode",
        "# not run: 2048/128, no named workload of these lengths",
    ]


def test_the_printed_options_are_those_of_a_run(tmp_path: Path) -> None:
    line = recipe(tmp_path, OLD, "tiny-old").output.splitlines()[0]
    words = shlex.split(line)
    assert words[:4] == ["bankable", "run", "--model", "org/tiny"]
    config = build_config(RunOptions(model=Path("org/tiny"), workload=words[5], concurrency=words[7], flag=[words[9]]))
    assert (config.workload.name, config.workload.input_len) == ("inferencex-8k1k", 8192)
    assert (config.workload.concurrency, config.flags) == (8, {"tp_size": 2})


def test_recipes_are_listed(tmp_path: Path) -> None:
    listed = recipe(tmp_path, {**NEW, **OLD}).output.splitlines()
    assert listed == [
        "tiny-bf16-h200-sglang: org/tiny, bf16, sglang, 3 of 5 entries",
        "tiny-old: org/tiny, fp8, sglang, 1 of 1 entries",
    ]


@pytest.mark.parametrize(
    ("content", "words", "reason"),
    [
        ("a: [", (), "not YAML"),
        ("[]", (), "no search space in it"),
        ({"x": {"scenarios": {"fixed-seq-len": "none"}}}, (), "no search space in it"),
        (OLD, ("other",), "Cannot find the recipe 'other'"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, content: object, words: tuple[str, ...], reason: str) -> None:
    assert reason in str(recipe(tmp_path, content, *words).exception)
