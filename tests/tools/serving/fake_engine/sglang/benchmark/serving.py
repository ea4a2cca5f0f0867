"""A serving benchmark with the same functions as sglang's: those that the load worker replaces, and the record."""

import argparse
import asyncio
import json
import random
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass
class Row:
    prompt: list[int] | str
    output_len: int


def get_tokenizer(name: str) -> object:
    raise AssertionError("the worker must have replaced this: it would run code that comes with a model")


def check_chat_template(name: str) -> bool:
    raise AssertionError("the worker must have replaced this: it would run code that comes with a model")


def get_dataset(args: argparse.Namespace, tokenizer: object) -> list[Row]:
    if args.dataset_name == "custom":
        with open(args.dataset_path, encoding="utf-8") as source:
            turns = [json.loads(line)["conversations"] for line in source]
        random.shuffle(turns)
        return [Row(turn[0]["content"], args.sharegpt_output_len) for turn in turns[: args.num_prompts]]
    return [
        Row([random.randrange(1000) for _ in range(args.random_input_len)], args.random_output_len)
        for _ in range(args.num_prompts)
    ]


def post(url: str, row: Row) -> tuple[float, str]:
    name = "text" if isinstance(row.prompt, str) else "input_ids"
    body = json.dumps({name: row.prompt, "sampling_params": {"max_new_tokens": row.output_len}}).encode()
    begun = time.perf_counter()
    try:
        with urllib.request.urlopen(url + "/generate", body) as answer:
            answer.read()
    except (OSError, urllib.error.URLError) as error:
        return 0.0, repr(error)
    return time.perf_counter() - begun, ""


async def request_sglang(url: str, row: Row, pool: ThreadPoolExecutor) -> tuple[float, str]:
    return await asyncio.get_running_loop().run_in_executor(pool, post, url, row)


ASYNC_REQUEST_FUNCS = {"sglang": request_sglang}


async def benchmark(args: argparse.Namespace, rows: list[Row]) -> dict[str, object]:
    begun = time.perf_counter()
    with ThreadPoolExecutor(args.max_concurrency) as pool:
        send = ASYNC_REQUEST_FUNCS["sglang"]
        outputs = await asyncio.gather(*[send(args.base_url, row, pool) for row in rows])
    duration = time.perf_counter() - begun
    with urllib.request.urlopen(args.base_url + "/server_info") as answer:
        server_info = json.load(answer)
    good = [row for row, (_, error) in zip(rows, outputs, strict=True) if not error]
    return {
        "duration": duration,
        "completed": len(good),
        "total_output_tokens": sum(row.output_len for row in good),
        "output_throughput": sum(row.output_len for row in good) / duration,
        "ttfts": [seconds for seconds, _ in outputs],
        "errors": [error for _, error in outputs],
        "server_info": server_info,
    }


def cli_main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("backend", "base-url", "model", "tokenizer", "dataset-name", "dataset-path", "output-file"):
        parser.add_argument(f"--{name}")
    for name in (
        "num-prompts",
        "max-concurrency",
        "seed",
        "warmup-requests",
        "ready-check-timeout-sec",
        "random-input-len",
        "random-output-len",
        "sharegpt-output-len",
        "sharegpt-context-len",
    ):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--random-range-ratio", type=float)
    parser.add_argument("--request-rate", type=float)
    for name in ("output-details", "cache-report", "disable-tqdm", "tokenize-prompt"):
        parser.add_argument(f"--{name}", action="store_true")
    args = parser.parse_args()
    if args.seed == 666:
        sys.exit(3)
    random.seed(args.seed)
    assert check_chat_template(args.model) is False
    rows = get_dataset(args, get_tokenizer(args.tokenizer))
    record = asyncio.run(benchmark(args, rows))
    with open(args.output_file, "a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")
    print("Serving Benchmark Result: this goes to standard output and must not be taken for a reply")
