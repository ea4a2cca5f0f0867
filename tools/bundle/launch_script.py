"""``launch.sh``: the measured command line as a script that a person can read and run."""

from __future__ import annotations

import shlex

from bankable.tools.evidence.records import ServerConfig
from bankable.tools.serving.command import flag_arguments
from bankable.tools.serving.hub import split_revision


def launch_script(config: ServerConfig, model: str, headline: str, *, standin: bool, overlay: bool = False) -> str:
    """A POSIX shell script; model, address and interpreter may be set from outside.

    ``model``: a folder, or a Hugging Face id with the commit that was served.

    ``standin``: the measured engine had no CPU kernel package, and a stand-in for it lies in the bundle.
    With an ``overlay`` the server itself says on standard error, at the first call of each operator, what answers it.
    Python writes nothing into the bundle, and a compiled file that lies there keeps the script from starting: Python
    would run it instead of the source that was proven.
    """
    identity, revision = split_revision(model)
    words = flag_arguments(config.flags)
    pairs: list[str] = []
    for word in words:
        if word.startswith("--"):
            pairs.append(word)
        else:
            pairs[-1] += " " + shlex.quote(word)
    flags = " \\\n  ".join(pairs)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(config.env.items())]
    path = [name for name, there in (("overlay", overlay), ("standin", standin)) if there]
    if path:
        folders = " ".join(f'"$here/{name}"' for name in path)
        exports.append(f'export PYTHONPATH="{":".join(f"$here/{name}" for name in path)}"')
        exports.append("export PYTHONDONTWRITEBYTECODE=1  # nothing is written beside the sources")
        exports.append(f"compiled=$(find {folders} -name '*.pyc' -o -name '*.pyo' 2>/dev/null || :)")
        exports.append(
            '[ -z "$compiled" ] || { echo "Cannot start: compiled Python files would run instead of the'
            ' sources. Delete $compiled" >&2; exit 1; }'
        )
    return "\n".join(
        [
            "#!/bin/sh",
            f"# {_comment(headline)}",
            "# Starts the server as it was measured. From outside: MODEL, HOST, PORT, BANKABLE_ENGINE_PYTHON.",
            "set -eu",
            'here=$(cd "$(dirname "$0")" && pwd)',
            *exports,
            "export PYTHONSAFEPATH=1",
            *([f'revision=""; [ -n "${{MODEL:-}}" ] || revision="--revision {revision}"'] if revision else []),
            'exec "${BANKABLE_ENGINE_PYTHON:-python3}" -m sglang.launch_server \\',
            f'  --model-path "${{MODEL:-{_default(identity)}}}" {"$revision " if revision else ""}\\',
            '  --host "${HOST:-127.0.0.1}" --port "${PORT:-30000}" \\',
            f"  --load-format safetensors{' ' + chr(92) if flags else ''}",
            *([f"  {flags}"] if flags else []),
            "",
        ]
    )


def _comment(text: str) -> str:
    return " ".join(text.split())


def _default(model: str) -> str:
    """The model's path inside a double-quoted ``${MODEL:-…}``."""
    return "".join("\\" + letter if letter in '"$`\\}' else letter for letter in model)
