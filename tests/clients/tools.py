"""Other projects' load generators, and the command lines that run them against a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bankable.tools.serving.engine import STANDIN
from tests.clients.servers import MODEL, NAME, ROOT, cores

ENVIRONMENTS = ROOT / ".venv-clients"
LIMIT_S = 900
CONCURRENT = "kind=concurrent,streams={streams}"
SWEEP = "kind=sweep,sweep_size=3"


@dataclass(frozen=True)
class Load:
    """What a tool is asked to send."""

    requests: int = 36
    concurrency: int = 12
    prompt_tokens: int = 64
    output_tokens: int = 32
    seed: int = 1
    ignore_eos: bool = True


@dataclass(frozen=True)
class Call:
    """One run of a tool."""

    port: int
    folder: Path
    """Empty; what is written here is the leg."""
    load: Load

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Client:
    """A load generator."""

    name: str
    version: str
    program: Path
    """In an environment that ``make clients`` builds."""
    format: str
    """Name of the format that its files are read as."""
    arguments: Callable[[Call], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    trial_requests: int = 0
    """Requests that it sends before those that it counts."""
    installed_by: str = "make clients"
    states_server: bool = False
    """Its files hold the server's resolved arguments, so that a change has to be declared."""

    def run(self, call: Call) -> None:
        """Run it to its end. Raises ``AssertionError`` with the end of its output when it fails."""
        assert self.program.exists(), f"Cannot run {self.name}: {self.program} is missing. Do: {self.installed_by}"
        call.folder.mkdir(parents=True, exist_ok=True)
        log = call.folder.with_name(f"{call.folder.name}.log")
        pinned = ["taskset", "-c", ",".join(map(str, sorted(cores()[1])))]
        # No proxy of the caller: the server is on this machine.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        inherited.pop("PYTHONPATH", None)
        with log.open("wb") as output:
            result = subprocess.run(
                [*pinned, str(self.program), *self.arguments(call)],
                cwd=call.folder.parent,
                env={**inherited, "DO_NOT_TRACK": "1", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_S,
                check=False,
            )
        assert result.returncode == 0, f"{self.name} ended with {result.returncode}:\n{log.read_text()[-4000:]}"


def _sglang(backend: str) -> Callable[[Call], list[str]]:
    def arguments(call: Call) -> list[str]:
        load = call.load
        words = ["-m", "sglang.bench_serving", "--backend", backend, "--base-url", call.url, "--model", NAME]
        words += ["--tokenizer", str(MODEL), "--dataset-name", "random-ids", "--random-range-ratio", "1.0"]
        words += ["--random-input-len", str(load.prompt_tokens), "--random-output-len", str(load.output_tokens)]
        words += ["--num-prompts", str(load.requests), "--max-concurrency", str(load.concurrency)]
        words += ["--seed", str(load.seed), "--output-file", str(call.folder / "result.jsonl"), "--output-details"]
        words += ["--cache-report", "--disable-tqdm"]
        return words if load.ignore_eos else [*words, "--disable-ignore-eos"]

    return arguments


def _vllm(call: Call) -> list[str]:
    load = call.load
    words = ["bench", "serve", "--backend", "vllm", "--base-url", call.url, "--model", NAME, "--tokenizer", str(MODEL)]
    words += ["--dataset-name", "random", "--random-input-len", str(load.prompt_tokens)]
    words += ["--random-output-len", str(load.output_tokens), "--num-prompts", str(load.requests)]
    words += ["--max-concurrency", str(load.concurrency), "--seed", str(load.seed), "--temperature", "0"]
    words += ["--save-result", "--save-detailed", "--result-dir", str(call.folder), "--result-filename", "result.json"]
    words += ["--percentile-metrics", "ttft,tpot,itl,e2el", "--disable-tqdm"]
    return [*words, "--ignore-eos"] if load.ignore_eos else words


def _aiperf(call: Call) -> list[str]:
    load = call.load
    words = ["profile", "--model", NAME, "--url", call.url, "--endpoint-type", "completions", "--streaming"]
    words += ["--tokenizer", str(MODEL), "--concurrency", str(load.concurrency), "--request-count", str(load.requests)]
    words += ["--isl", str(load.prompt_tokens), "--osl", str(load.output_tokens), "--random-seed", str(load.seed)]
    words += ["--output-artifact-dir", str(call.folder), "--ui", "none"]
    return [*words, "--extra-inputs", "ignore_eos:true"] if load.ignore_eos else words


def _guidellm(profile: str) -> Callable[[Call], list[str]]:
    def arguments(call: Call) -> list[str]:
        load = call.load
        backend: dict[str, object] = {
            "kind": "openai_http",
            "target": call.url,
            "model": NAME,
            "request_format": "/v1/completions",
        }
        if not load.ignore_eos:
            backend["extras"] = {"body": {"ignore_eos": False}}
        data = f"kind=synthetic_text,prompt_tokens={load.prompt_tokens},output_tokens={load.output_tokens}"
        words = ["run", "--backend", json.dumps(backend), "--profile", profile.format(streams=load.concurrency)]
        words += ["--constraint", f"kind=max_requests,count={load.requests}", "--data", data]
        words += ["--tokenizer", f"kind=hf_auto,model={MODEL}", "--seed", f"kind=static,value={load.seed}"]
        return [*words, "--output", f"kind=json,path={call.folder / 'benchmarks.json'}", "--disable-console"]

    return arguments


def _evalscope(call: Call) -> list[str]:
    load = call.load
    length = str(load.prompt_tokens)
    words = ["perf", "--model", NAME, "--url", f"{call.url}/v1/completions", "--api", "openai", "--stream"]
    words += ["--tokenizer-path", str(MODEL), "--dataset", "random", "--min-prompt-length", length]
    words += ["--max-prompt-length", length, "--max-tokens", str(load.output_tokens), "--seed", str(load.seed)]
    words += ["--parallel", str(load.concurrency), "--number", str(load.requests), "--outputs-dir", str(call.folder)]
    return [*words, "--extra-args", json.dumps({"ignore_eos": True})] if load.ignore_eos else words


def _inference_perf(call: Call) -> list[str]:
    load = call.load
    lengths = {"min": load.prompt_tokens, "max": load.prompt_tokens, "mean": load.prompt_tokens, "std_dev": 0}
    answers = {name: 0 if name == "std_dev" else load.output_tokens for name in lengths}
    config = {
        "api": {"type": "completion", "streaming": True},
        "data": {
            "type": "random",
            "input_distribution": {**lengths, "total_count": load.requests},
            "output_distribution": {**answers, "total_count": load.requests},
        },
        "load": {
            "type": "concurrent",
            "num_workers": 1,
            "stages": [{"num_requests": load.requests, "concurrency_level": load.concurrency}],
        },
        "server": {"type": "sglang", "model_name": NAME, "base_url": call.url, "ignore_eos": load.ignore_eos},
        "tokenizer": {"pretrained_model_name_or_path": str(MODEL)},
        "report": {"request_lifecycle": {"summary": True, "per_stage": True, "per_request": True}},
        "storage": {"local_storage": {"path": str(call.folder)}},
    }
    path = call.folder.with_name(f"{call.folder.name}.yml")
    path.write_text(json.dumps(config))  # JSON is YAML
    return ["--config_file", str(path)]


def _program(name: str, environment: str = "") -> Path:
    return ENVIRONMENTS / (environment or name) / "bin" / name


_ENGINE = ROOT / ".venv-engine" / "bin" / "python"
_STANDIN = {"PYTHONPATH": str(STANDIN)}
CLIENTS = {
    client.name: client
    for client in (
        Client(
            "sglang",
            "0.5.23",
            _ENGINE,
            "sglang serving benchmark",
            _sglang("sglang"),
            environment=_STANDIN,
            trial_requests=1,
            states_server=True,
        ),
        Client(
            "sglang-oai",
            "0.5.23",
            _ENGINE,
            "sglang serving benchmark",
            _sglang("sglang-oai"),
            environment=_STANDIN,
            trial_requests=1,
            states_server=True,
        ),
        Client("aiperf", "0.13.0", _program("aiperf"), "AIPerf records", _aiperf),
        Client("guidellm", "0.8.1", _program("guidellm"), "GuideLLM report", _guidellm(CONCURRENT)),
        Client("evalscope", "1.14.1", _program("evalscope"), "evalscope perf summary", _evalscope, trial_requests=1),
        Client(
            "inference-perf",
            "0.7.0",
            _program("inference-perf"),
            "inference-perf report",
            _inference_perf,
            installed_by="make clients PYTHON312=/path/to/python3.12",
        ),
    )
}
"""By name."""
