"""The task of inspect-ai, run by its own command: the rules offline, and a scripted model over HTTP."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from bankable.evals.fixtures.keys import read_keys
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, refusal
from tests.evals.reader import reads

ROOT = Path(__file__).resolve().parents[3]
FRAUDS = ("c03-cold-reference", "q01-gibberish-reference")
HONEST = ("plain-gain", "q01-short-coherent-texts")


def _inspect(
    place: Path, *words: str, served: ScriptedEndpoint | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
    address = {"SCRIPTED_BASE_URL": served.url, "SCRIPTED_API_KEY": "key"} if served is not None else {}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "inspect_ai",
            "eval",
            "evals/frontends/inspect_task.py",
            "--display",
            "plain",
            "--log-dir",
            str(place),
            *words,
        ],
        cwd=ROOT,
        env=kept | address,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _log(place: Path) -> EvalLog:
    (info,) = list_eval_logs(str(place))
    log = read_eval_log(info)
    assert log.status == "success"
    return log


def _metrics(log: EvalLog) -> dict[str, float]:
    assert log.results is not None
    return {score.name: next(iter(score.metrics.values())).value for score in log.results.scores}


def _words(log: EvalLog) -> dict[Any, str]:
    return {sample.id: sample.output.completion for sample in log.samples or []}


def test_the_rules_need_no_model(tmp_path: Path) -> None:
    _inspect(tmp_path, "-T", f"only={','.join(FRAUDS + HONEST)}")
    log, keys = _log(tmp_path), read_keys()
    assert _words(log) == dict.fromkeys(FRAUDS, "FAIL") | dict.fromkeys(HONEST, "PASS")
    assert _metrics(log) == {"as_keyed": 1.0, "false_pass": 0.0, "false_alarm": 0.0}
    assert log.eval.model.startswith("none")
    for sample in log.samples or []:
        key = keys[str(sample.id)]
        assert (sample.target, sample.metadata["kind"]) == (list(key.verdict), key.kind)
        assert sample.metadata["modes"] == list(key.modes)
        assert key.why not in str(sample.input)
        assert str(sample.id) not in str(sample.input)
        assert "file request.json>>>" in str(sample.input)
        scores = sample.scores or {}
        counted = {name for name in ("false_pass", "false_alarm") if not math.isnan(float(str(scores[name].value)))}
        assert counted == {"false_pass" if key.kind == "fraud" else "false_alarm"}


@pytest.mark.long
def test_a_model_as_the_judge(tmp_path: Path) -> None:
    """A cold reference is arithmetic: a reader passes it. Nonsense it reads."""
    with ScriptedEndpoint(reads) as served:
        words = ("-T", "auditor=judge", "-T", f"only={','.join(FRAUDS + HONEST)}", "--model", "openai-api/scripted/m")
        _inspect(tmp_path, *words, served=served)
        assert len(served.requests) == 12
        shape = served.requests[0].body["response_format"]["json_schema"]["name"]
    log = _log(tmp_path)
    assert shape == "Opinion"
    assert _words(log) == {
        FRAUDS[0]: "PASS",
        FRAUDS[1]: "FAIL",
        HONEST[0]: "PASS",
        HONEST[1]: "PASS",
    }
    assert _metrics(log) == {"as_keyed": 0.75, "false_pass": 0.5, "false_alarm": 0.0}


def _invents(asked: ChatRequest) -> ChatReply:
    found = reads(asked)
    return ChatReply(body=found.body.replace(b"xq zvk", b"no such words"))


@pytest.mark.long
def test_a_quote_that_stands_nowhere_and_a_refusal_weigh_nothing(tmp_path: Path) -> None:
    words = ("-T", "auditor=judge", "-T", f"only={FRAUDS[1]}", "--model", "openai-api/scripted/m")
    for script, word in ((_invents, "PASS"), (refusal(), "not judged")):
        with ScriptedEndpoint(script) as served:
            _inspect(tmp_path / word, *words, "-T", "votes=1", served=served)
        assert _words(_log(tmp_path / word)) == {FRAUDS[1]: word}


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("auditor=clerk", "invalid value 'clerk' for -T auditor"),
        pytest.param("split=x", "invalid value 'x' for -T split", marks=pytest.mark.long),
    ],
)
def test_mistakes_are_said(tmp_path: Path, option: str, why: str) -> None:
    done = _inspect(tmp_path, "-T", option, code=1)
    assert why in done.stdout + done.stderr
