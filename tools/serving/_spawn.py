"""Start sglang's server in this process, tied to the life of its starter: ``_spawn.py LIFELINE-FD FLAGS...``.

Runs under the engine's interpreter as leader of its own process group. The first argument is the read end of a pipe
whose write end only the orchestrator holds. However the orchestrator ends, kill -9 included, the kernel closes that
end, and this process then kills its whole group. PR_SET_PDEATHSIG would not do: it covers one process instead of the
group, and it fires when the *thread* that started the server ends.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import threading

START = "BANKABLE_PROCESS_START"
"""How the server starts its other processes. sglang asks for ``spawn``: each of three processes imports the engine.
With ``fork`` they are copies of the first, which has imported it: a start takes 40 % of the time, and what is served
is the same. For a CPU: a process that uses an accelerator already cannot be forked."""


def die_with(lifeline: int) -> None:
    """Block until the pipe closes, then take the process group along."""
    while os.read(lifeline, 64):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def start_processes_by(chosen: str) -> None:
    """Start the server's other processes by ``chosen`` where sglang asks for ``spawn``."""
    set_start_method = multiprocessing.set_start_method

    def set_chosen(method: str | None, force: bool = False) -> None:
        set_start_method(chosen if method == "spawn" else method, force)

    multiprocessing.set_start_method = set_chosen


def main() -> None:
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # before Python 3.11 the script's folder is importable, and ours has common names in it
    lifeline = int(sys.argv.pop(1))
    os.set_inheritable(lifeline, False)
    if os.getpgrp() != os.getpid():
        raise SystemExit("must be started as leader of its own process group")
    threading.Thread(target=die_with, args=(lifeline,), name="lifeline", daemon=True).start()
    if method := os.environ.get(START):
        start_processes_by(method)
    runpy.run_module("sglang.launch_server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
