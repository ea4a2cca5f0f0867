"""Runs sglang's own serving benchmark, job after job, under the engine's interpreter: ``load_worker.py REPLY-FD``.

The benchmark is imported once, because that takes longer than many rounds. A job is one JSON line on standard input,
``{"id": 3, "argv": ["--base-url", ...]}``; answers are JSON lines on the descriptor REPLY-FD, because the benchmark
prints: ``{"event": "ready"}``, ``{"event": "progress", "id": 3}`` per finished request, and ``{"event": "done", ...}``.

Self-contained: imports nothing of this project. Three functions of the benchmark module are replaced in this process:
the tokenizer loader (kept between jobs, and never executing code that comes with a model), the chat-template check
(the same loader), and ``get_dataset`` (to digest the requests that are really sent, and to make prompts of random ids
distinct: of a small vocabulary the same one is drawn twice, and whether it then finds itself in the prefix cache is up
to the moment).

The import is lean: sglang's package files (``sglang/__init__``) and torch, which a load generator does not use, are
left out. That is 94 MB and 3 s of CPU time in place of 640 MB and 12 s, beside a server that is being measured. Where a
version of sglang does not allow it, the worker starts over and imports everything.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import json
import os
import queue
import sys
import tempfile
import threading
import traceback
import types
from typing import Any

MODULES = ("sglang.benchmark.serving", "sglang.bench_serving")
"""Where the benchmark lives, newest first."""


RANDOM_IDS = "random-ids"
FULL = "--full"
UNUSED = ("torch", "torchvision", "pandas", "scipy", "sklearn")
"""Packages that the benchmark's own imports would pull in, and that sending requests does not need."""


def pretend(name: str, path: str | None = None, **attributes: object) -> None:
    """Register a module without running its file; with ``path`` it is a package whose submodules can be imported."""
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=path is not None)
    if path is not None:
        module.__path__ = [path]
    module.__dict__.update(attributes)
    sys.modules[name] = module


def import_lean() -> Any:
    """The benchmark's module, imported without sglang's package files and without torch."""
    spec = importlib.util.find_spec("sglang")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("no sglang")
    root = spec.submodule_search_locations[0]
    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to make an import fail
    pretend("datasets", load_dataset=None)
    for name in ("sglang", "sglang.srt", "sglang.srt.utils", "sglang.srt.disaggregation"):
        pretend(name, os.path.join(root, *name.split(".")[1:]))
    pretend("sglang.srt.disaggregation.utils", FAKE_BOOTSTRAP_HOST="")
    return import_benchmark()


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


def make_distinct(rows: Any, vocabulary: int) -> None:
    """Give every prompt of token ids a first token of its own, so that no two of a round share a prefix.

    A prompt keeps its first token unless an earlier one has it; then it gets the next one that is free. Prompts of text
    stay as they are, and so do those that come after every token is taken.
    """
    taken: set[int] = set()
    for row in rows:
        if isinstance(row.prompt, list) and row.prompt and len(taken) < vocabulary:
            first = row.prompt[0]
            while first in taken:
                first = (first + 1) % vocabulary
            taken.add(first)
            row.prompt[0] = first


class JobRunner:
    """The imported benchmark, and what is remembered between jobs."""

    def __init__(self, replies: Any, module: Any) -> None:
        self._replies = replies
        self._module = module
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
                "record": record,
                "request_digest": digest_of(self._requests),
                "issued": len(self._requests),
            }
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
            from transformers import AutoTokenizer  # noqa: PLC0415 - only the engine has it

            self._tokenizers[name] = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        return self._tokenizers[name]

    def _has_chat_template(self, name: str) -> bool:
        return bool(getattr(self._tokenizer(name), "chat_template", None))

    def _dataset(self, arguments: Any, tokenizer: Any, *more: Any, **named: Any) -> Any:
        self._requests = self._get_dataset(arguments, tokenizer, *more, **named)
        if arguments.dataset_name == RANDOM_IDS:
            make_distinct(self._requests, tokenizer.vocab_size)
        return self._requests

    async def _counted(self, *args: Any, **kwargs: Any) -> Any:
        output = await self._send(*args, **kwargs)
        self.say(event="progress", id=self._job_id)
        return output


def read_jobs(jobs: queue.SimpleQueue[str]) -> None:
    """Standard input ends when the orchestrator does; this process then ends too, even in the middle of a round."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def main() -> None:
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # before Python 3.11 the script's folder is importable, and ours has common names in it
    descriptor = int(sys.argv[1])
    try:
        module = import_benchmark() if FULL in sys.argv else import_lean()
    except Exception:
        if FULL in sys.argv:
            raise
        traceback.print_exc()
        os.set_inheritable(descriptor, True)
        os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), sys.argv[1], FULL])
    os.set_inheritable(descriptor, False)
    with os.fdopen(descriptor, "w", encoding="utf-8") as replies:
        worker = JobRunner(replies, module)
        worker.say(event="ready")
        jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=read_jobs, args=(jobs,), daemon=True).start()
        while True:
            worker.run(json.loads(jobs.get()))


if __name__ == "__main__":
    main()
