"""The oracle is unchanged safetensors files, each checked by its sha256, with one for every shape (H05).

A pickle, or any other format that can run code when opened, is refused by its name and never opened; a file that only
has the suffix is refused by its header. Outputs for a shape without an oracle were not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.tensor_file import find_format_error
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import ORACLE_FOLDER, OracleFile

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,150}\.safetensors")
ADVICE = "capture the oracle again, as safetensors files in the folder oracle/, with their sha256"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.oracle is None:
        return
    for file in benchmark.oracle.files:
        yield from _check_file(case, file)
    covered = {file.shape for file in benchmark.oracle.files}
    uncovered = sorted(set(benchmark.shapes) - covered)
    if uncovered:
        yield Unverifiable(f"oracle tensors of shapes {', '.join(uncovered[:5])}", (at(benchmark.path("oracle.json")),))


def _check_file(case: Case, file: OracleFile) -> Iterator[Outcome]:
    benchmark = case.benchmark
    manifest = at(benchmark.path("oracle.json"))
    if not PLAIN.fullmatch(file.name):
        yield _refuse(
            "a file name of letters, digits and ._=+- that ends in .safetensors",
            f"{file.name[:200]!r}, not opened",
            manifest.file,
        )
        return
    path = benchmark.tensors(file.name)
    if path is None:
        yield Unverifiable(f"{ORACLE_FOLDER}/{file.name}", (manifest,))
        return
    name = benchmark.path(f"{ORACLE_FOLDER}/{file.name}")
    if reason := find_format_error(path):
        yield _refuse("a safetensors file", f"{file.name}: {reason}; not read further", name)
    elif (digest := case.view.reader.digest(name)) != file.sha256:
        yield fail(
            f"{file.name}: {file.sha256[:12]}",
            digest[:12],
            ADVICE,
            at(name),
            manifest,
            action=Action.REDO,
            modes=("H05",),
            code="oracle_changed",
        )


def _refuse(expected: str, observed: str, file: str) -> Found:
    return fail(expected, observed, ADVICE, at(file), action=Action.REDO, modes=("H05",), code="not_safetensors")


rule = Rule("harness_oracle", HARNESS, ("H05",), ("task", "oracle"), check, gate=True, gives=(Severity.FAIL,))
