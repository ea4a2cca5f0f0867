"""Runs sglang's own serving benchmark, job after job, under the engine's interpreter: ``load_worker.py REPLY-FD``.

The benchmark is imported once, because that takes longer than many rounds. A job is one JSON line on standard input,
``{"id": 3, "argv": ["--base-url", ...]}``; answers are JSON lines on the descriptor REPLY-FD, because the benchmark
prints: ``{"event": "ready"}``, ``{"event": "progress", "id": 3}`` per finished request, and ``{"event": "done", ...}``.

Self-contained: imports nothing of this project. Three functions of the benchmark module are replaced in this process:
the tokenizer loader (kept between jobs, and never executing code that comes with a model), the chat-template check
(the same loader), and ``get_dataset`` (to digest the requests that are really sent).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import tempfile
import traceback
from typing import Any

MODULES = ("sglang.benchmark.serving", "sglang.bench_serving")
"""Where the benchmark lives, newest first."""


def import_benchmark() -> Any:
    """The benchmark's module; one that has its command line as a function."""
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        if hasattr(module, "cli_main"):
            return module
    raise RuntimeError(f"this sglang has none of {', '.join(MODULES)} with a cli_main function")


def digest_of(rows: Any) -> str:
    """sha256 over the sorted (prompt, requested output length) pairs."""
    lines = sorted(json.dumps([row.prompt, int(row.output_len)], ensure_ascii=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


class Worker:
    """The imported benchmark, and what is remembered between jobs."""

    def __init__(self, replies: Any) -> None:
        self._replies = replies
        self._module = import_benchmark()
        self._tokenizers: dict[str, Any] = {}
        self._job_id = -1
        self._requests: list[Any] = []
        self._module.get_tokenizer = self._tokenizer
        self._module.check_chat_template = self._has_chat_template
        self._get_dataset = self._module.get_dataset
        self._module.get_dataset = self._dataset
        self._send = self._module.ASYNC_REQUEST_FUNCS["sglang"]
        self._module.ASYNC_REQUEST_FUNCS["sglang"] = self._counted

    def say(self, **message: Any) -> None:
        """One reply line."""
        self._replies.write(json.dumps(message) + "\n")
        self._replies.flush()

    def run(self, job: dict[str, Any]) -> None:
        """One benchmark run; always answers ``done``."""
        self._job_id = job["id"]
        self._requests = []
        handle, path = tempfile.mkstemp(prefix="round-", suffix=".jsonl")
        os.close(handle)
        try:
            sys.argv = ["bench_serving", *job["argv"], "--output-file", path]
            self._module.cli_main()
            with open(path, encoding="utf-8") as source:
                record = json.loads(source.readlines()[-1])
            answer: dict[str, Any] = {
                "record": record, "request_digest": digest_of(self._requests), "issued": len(self._requests)
            }  # fmt: skip
        except SystemExit as error:
            answer = {"error": f"benchmark stopped with status {error.code}"}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        finally:
            os.unlink(path)
        self.say(event="done", id=self._job_id, **answer)

    def _tokenizer(self, name: str) -> Any:
        if name not in self._tokenizers:
            from transformers import AutoTokenizer

            self._tokenizers[name] = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        return self._tokenizers[name]

    def _has_chat_template(self, name: str) -> bool:
        return bool(getattr(self._tokenizer(name), "chat_template", None))

    def _dataset(self, *args: Any, **kwargs: Any) -> Any:
        self._requests = self._get_dataset(*args, **kwargs)
        return self._requests

    async def _counted(self, *args: Any, **kwargs: Any) -> Any:
        output = await self._send(*args, **kwargs)
        self.say(event="progress", id=self._job_id)
        return output


def main() -> None:
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # before Python 3.11 the script's folder is importable, and ours has common names in it
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    with os.fdopen(descriptor, "w", encoding="utf-8") as replies:
        worker = Worker(replies)
        worker.say(event="ready")
        for line in sys.stdin:
            worker.run(json.loads(line))


if __name__ == "__main__":
    main()
