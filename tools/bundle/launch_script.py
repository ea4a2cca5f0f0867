"""``launch.sh``: the measured command line as a script that a person can read and run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bankable.tools.evidence.records import OperatingPoint, ServerConfig
from bankable.tools.serving.command import flag_arguments
from bankable.tools.serving.hub import split_revision


def launch_script(
    config: ServerConfig,
    model: str,
    headline: str,
    *,
    standin: bool,
    overlay: bool = False,
    points: Sequence[OperatingPoint] = (),
) -> str:
    """A POSIX shell script; model, address and interpreter may be set from outside.

    ``model``: a folder, or a Hugging Face id with the commit that was served.

    ``standin``: the measured engine had no CPU kernel package, and a stand-in for it lies in the bundle.
    With an ``overlay`` the server itself says on standard error, at the first call of each operator, what answers it.
    Python writes nothing into the bundle, and a compiled file that lies there keeps the script from starting: Python
    would run it instead of the source that was proven. With ``points`` the argument ``--point NAME`` starts the
    configuration of an operating point in place of the bundle's; replaced operators belong to the bundle's alone.
    """
    identity, revision = split_revision(model)
    exports = _export(config)
    path = [name for name, there in (("overlay", overlay), ("standin", standin)) if there]
    if path:
        folders = " ".join(f'"$here/{name}"' for name in path)
        exports.append(_python_path(path))
        exports.append("export PYTHONDONTWRITEBYTECODE=1  # nothing is written beside the sources")
        exports.append(f"compiled=$(find {folders} -name '*.pyc' -o -name '*.pyo' 2>/dev/null || :)")
        exports.append(
            '[ -z "$compiled" ] || { echo "Cannot start: compiled Python files would run instead of the'
            ' sources. Delete $compiled" >&2; exit 1; }'
        )
    arguments = _arguments(config)
    if points:
        plain = [_python_path(["standin"])] if standin else ["unset PYTHONPATH"] if overlay else []
        exports += _choose_point(config, points, plain)
        arguments = ['"$@"']
    flags = " \\\n  ".join(arguments)
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


def _arguments(config: ServerConfig) -> list[str]:
    """Each flag with its value, quoted for a shell."""
    pairs: list[str] = []
    for word in flag_arguments(config.flags):
        if word.startswith("--"):
            pairs.append(word)
        else:
            pairs[-1] += " " + shlex.quote(word)
    return pairs


def _export(config: ServerConfig) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in sorted(config.env.items())]


def _python_path(folders: Sequence[str]) -> str:
    return f'export PYTHONPATH="{":".join(f"$here/{name}" for name in folders)}"'


def _choose_point(config: ServerConfig, points: Sequence[OperatingPoint], plain: Sequence[str]) -> list[str]:
    """Lines that read ``--point NAME`` and put the flags of that configuration into the arguments.

    ``plain``: what an operating point needs that serves without replaced operators.
    """
    names = ", ".join(point.load for point in points)
    lines = [
        'point=""',
        'while [ "$#" -gt 0 ]; do',
        '  case "$1" in',
        '    --point) point="${2:-}"; [ -n "$point" ] && shift 2 || { echo "Cannot start: --point without a name.'
        f' Use one of {names}" >&2; exit 2; }} ;;',
        f'    *) echo "Cannot start: unknown argument $1. Use --point with one of {names}" >&2; exit 2 ;;',
        "  esac",
        "done",
        'case "$point" in',
        f'  "") set -- {" ".join(_arguments(config))} ;;',
    ]
    for point in points:
        own = [*_export(point.config), *plain, f"set -- {' '.join(_arguments(point.config))}"]
        undo = [f"unset {name}" for name in sorted(config.env.keys() - point.config.env.keys())]
        lines.append(f"  {shlex.quote(point.load)}) {'; '.join([*undo, *own])} ;;  # {_comment(point.contender)}")
    lines += [
        f'  *) echo "Cannot start: no operating point $point. Use one of {names}" >&2; exit 2 ;;',
        "esac",
    ]
    return lines


def _comment(text: str) -> str:
    return " ".join(text.split())


def _default(model: str) -> str:
    """The model's path inside a double-quoted ``${MODEL:-…}``."""
    return "".join("\\" + letter if letter in '"$`\\}' else letter for letter in model)
