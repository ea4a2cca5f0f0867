#!/usr/bin/env bash
# Names of spans in torch's exported Chrome trace are not the names that were given, and a quotation mark ends the JSON.
#
# Expected: `export_chrome_trace` writes JSON in which each `record_function` span has the name that the program gave it.
# Seen with torch 2.13.0 on a CPU (Python 3.11, Linux x86-64, November 2026):
#   - a name with a double quote is written without an escape: the file is no JSON, and a reader loses every event;
#   - a backslash becomes a slash, a line feed is dropped, and a name with a tab becomes "unknown", all silently.
# Why it matters: SQL text, JSON arguments, regular expressions and Windows paths are usual as names of spans. Whoever adds
# up time by name counts different spans as one, or none at all.
#
# Installs torch into a temporary folder (about 1 GB where pip finds no CPU build; PIP_ARGS are extra options of pip).
# Ends with 0 while torch behaves so, and with 1 when it does not any more.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
# shellcheck disable=SC2086
"$place/venv/bin/pip" install --quiet --disable-pip-version-check ${PIP_ARGS:-} torch==2.13.0 numpy==2.4.6
cat > "$place/try.py" <<'PYTHON'
import json
import sys
from pathlib import Path

from torch import ones
from torch.profiler import ProfilerActivity, profile, record_function

EXPECTED = {
    "plain": ["plain"],
    "it's <b>": ["it's <b>"],
    'say "hello"': "no JSON",
    r"c:\temp": ["c:/temp"],
    "two\nlines": ["twolines"],
    "a\ttab": ["unknown"],
}
seen = {}
for name in EXPECTED:
    with profile(activities=[ProfilerActivity.CPU]) as taken, record_function(name):
        ones(4).add(1)
    path = Path(sys.argv[1]) / "trace.json"
    taken.export_chrome_trace(str(path))
    try:
        events = json.loads(path.read_text())["traceEvents"]
    except json.JSONDecodeError:
        seen[name] = "no JSON"
    else:
        seen[name] = [event["name"] for event in events if event.get("cat") == "user_annotation"]
    print(f"{name!r} is written as {seen[name]!r}")
sys.exit(seen != EXPECTED)
PYTHON
"$place/venv/bin/python" "$place/try.py" "$place" 2> "$place/errors" || { cat "$place/errors" >&2; echo "torch behaves differently now"; exit 1; }
echo "as seen with torch 2.13.0: two of six names arrive as given, three are changed, one makes the file no JSON"
