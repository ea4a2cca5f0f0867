"""A kernel's process reads what it needs, writes in its own folder, signals nobody, and leaves nobody behind."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from bankable.kernels.benchmark.candidate import kernel_candidate
from bankable.kernels.benchmark.qualify import qualify
from bankable.kernels.build.compiler import Compiled
from bankable.kernels.sandbox.limits import JobLimits
from tests.kernels.taken_over import HONEST, taken_over

HEADERS = "#include <fcntl.h>\n#include <unistd.h>\n#include <cstdlib>\n#include <csignal>\n#include <sys/prctl.h>\n"


@pytest.fixture
def tried(compiler, fork_server, norm_task):
    def run(body: str, limits: JobLimits = JobLimits()):  # noqa: B008 - a frozen value
        compiled = compiler.compile(taken_over(body, above=HEADERS))
        assert isinstance(compiled, Compiled), compiled
        return qualify(norm_task, kernel_candidate(compiled), fork_server, ["4x64"], 1, limits, read=False)

    return run


@pytest.fixture(autouse=True)
def restricted(fork_server):
    if fork_server.landlock != "on":
        pytest.skip(f"no Landlock: {fork_server.landlock}")


def test_files_beyond_its_folder_cannot_be_written(tried, tmp_path: Path):
    target = tmp_path / "harness.py"
    target.write_text("")
    for flags in ("O_WRONLY | O_APPEND", "O_RDWR", "O_WRONLY | O_TRUNC"):
        assert "SIGABRT" in tried(f'if (open("{target}", {flags}) < 0) abort(); {HONEST}').why
    assert tried(f'if (open("{tmp_path}/new", O_CREAT | O_WRONLY, 0644) < 0) abort(); {HONEST}').ok is False
    assert tried(f'if (open("mine", O_CREAT | O_WRONLY, 0644) < 0) abort(); {HONEST}').ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["harness.py"]


def test_expected_outputs_cannot_be_read_and_inputs_can(tried, norm_task):
    for path, ok in ((norm_task.oracle_expected("4x64"), False), (norm_task.oracle_inputs("4x64"), True)):
        assert tried(f'if (open("{path}", O_RDONLY) < 0) abort(); {HONEST}').ok is ok


def test_files_in_shared_memory_cannot_be_read(tried):
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as another:
        assert tried(f'if (open("{another.name}", O_RDONLY) < 0) abort(); {HONEST}').ok is False
    assert tried(f'if (open("/dev/urandom", O_RDONLY) < 0) abort(); {HONEST}').ok


def test_nobody_else_is_signalled(tried, fork_server):
    assert "SIGABRT" in tried(f"if (kill(getppid(), 0) != 0) abort(); {HONEST}").why
    assert tried(HONEST).ok


def test_a_process_that_left_its_group_is_gone_with_the_job(tried):
    name = f"left-{time.time_ns() % 10**9}"
    leave = f'setsid(); prctl(PR_SET_NAME, "{name}"); if (fork() == 0) sleep(90); sleep(90);'
    assert tried(f"if (fork() == 0) {{ {leave} }} {HONEST}").ok
    names = [path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm") if path.exists()]
    assert name not in names
