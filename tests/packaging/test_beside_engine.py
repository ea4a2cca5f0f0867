"""The wheel beside a normally resolved sglang and Hugging Face's ``kernels``: each finds its own packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.conftest import ENGINE, ROOT, Interpreter, site_packages

IMPORTS = """
import json
from importlib.metadata import distribution, version
import kernels
from kernels import get_kernel
import sglang
import bankable
import bankable.kernels
def files(name):
    return {str(file) for file in distribution(name).files if not str(file).startswith("..")}
print(json.dumps({
    "kernels": [kernels.__file__, version("kernels"), get_kernel.__module__],
    "sglang": [sglang.__file__, [text for text in distribution("sglang").requires if text.startswith("kernels")]],
    "bankable": [bankable.__file__, bankable.kernels.__name__],
    "shared": sorted(files("bankable") & (files("kernels") | files("sglang"))),
}))
"""
REGISTERED = """
import json, runpy, sys
runpy.run_path(sys.argv[1])["register"]()
import bankable.kernels.worker.fork_server
import kernels
from kernels import get_kernel
print(json.dumps([bankable.__file__, bankable.kernels.worker.fork_server.__file__, kernels.__file__]))
"""


def test_sglang_kernels_and_bankable_import_side_by_side(engine: Interpreter, tmp_path: Path) -> None:
    done = engine.run(["-c", IMPORTS], tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    own = site_packages(engine.python)
    assert found["kernels"] == [str(own / "kernels" / "__init__.py"), "0.14.1", "kernels.utils"]
    assert found["sglang"][0] == str(site_packages(ENGINE) / "sglang" / "__init__.py")
    assert found["bankable"] == [str(own / "bankable" / "__init__.py"), "bankable.kernels"]
    assert found["shared"] == []
    (wanted,) = found["sglang"][1]
    assert Requirement(wanted).specifier.contains("0.14.1")


@pytest.mark.parametrize("home", ["checkout", "wheel"])
def test_the_package_registers_itself_beside_kernels(home: str, engine: Interpreter, tmp_path: Path) -> None:
    """How our worker programs start under the engine's interpreter: ``kernels`` stays Hugging Face's."""
    folder = ROOT if home == "checkout" else site_packages(engine.python) / "bankable"
    done = engine.run(["-c", REGISTERED, folder / "tools" / "start.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    package, worker, theirs = json.loads(done.stdout)
    assert Path(package).name == "__init__.py"
    assert worker == str(folder / "kernels" / "worker" / "fork_server.py")
    assert theirs == str(site_packages(engine.python) / "kernels" / "__init__.py")


def test_the_kernel_track_starts_in_an_engine_that_has_kernels(
    engine: Interpreter, installed: Interpreter, tmp_path: Path
) -> None:
    """The command of the wheel, and its fork server and workers in the engine's environment."""
    done = installed.run(["-m", "bankable.kernels", "roofline", "--engine-python", engine.python], tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["copy", "matrix", "cache"]
