"""Whatever a layer does, the others have their findings, and each end has a name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.layers.cache import compute_key, find_place, load_result
from bankable.kernels.diagnosis.layers.graph import LayerJob, run_jobs
from bankable.kernels.diagnosis.layers.harness import LayerPlan, built_in_plans, evaluate
from bankable.kernels.diagnosis.layers.layer import LayerResult
from bankable.kernels.diagnosis.layers.registry import BUILT_IN, load
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.errors import UserError
from tests.kernels.diagnosis.layers.odd_layers import Count

HERE = "tests.kernels.diagnosis.layers.odd_layers"
NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer"


@pytest.fixture(scope="module")
def worker() -> Iterator[LayerWorker]:
    with LayerWorker() as running:
        yield running


@pytest.fixture
def subject(norm_task: TaskFolder, python: Path, tmp_path: Path) -> Subject:
    """A copy of the task, so that no finding of another test is taken."""
    target = tmp_path / "run" / "ops" / norm_task.task.operator
    target.mkdir(parents=True)
    for name in ("task.json", "oracle.json"):
        (target / name).write_bytes((norm_task.path / name).read_bytes())
    folder = TaskFolder(tmp_path / "run", norm_task.task)
    return Subject.of_source(folder, render(folder.family, "bfloat16"), "4x64", python)


def plans(*names: str) -> list[LayerPlan]:
    return built_in_plans([f"{HERE}:{name}" for name in names])


def test_layers_that_fail_hang_or_die_leave_the_others_alone(subject, worker):
    names = ("Raising", "Crashing", "Quitting", "Hanging", "Lying", "Shapeless", "Absent", "Needy", "Honest")
    found = evaluate(subject, plans(*names), plugins={}, worker=worker)
    said = {name: (result.outcome, result.why) for name, result in found.items() if name != "accelerator"}
    assert said == {
        "raising": ("failed", "instrument: RuntimeError: no"),
        "crashing": ("failed", "no answer, ended by SIGABRT, last step: absent"),
        "quitting": ("failed", "no answer, status 0, last step: absent"),
        "hanging": ("timed_out", "timed out after 3 s, last step: absent"),
        "lying": ("failed", "collect: TypeError: collect gave LayerFinding, not Count"),
        "shapeless": ("failed", f"collect: not a Count: runs: {NO_NUMBER}"),
        "absent": ("absent", "this machine has no luck"),
        "needy": ("skipped", "needs raising: instrument: RuntimeError: no"),
        "honest": ("measured", ""),
    }
    assert found["raising"].attempts == 2
    assert found["honest"].found == Count(runs=1)
    assert found["honest"].describe() == "1 runs"


def test_a_layer_that_hangs_takes_its_processes_along(subject, worker):
    found = evaluate(subject, plans("Hanging"), plugins={}, worker=worker)["hanging"]
    child = int((find_place(subject, "hanging", found.key) / "1" / "child.txt").read_text(encoding="ascii"))
    assert found.outcome == "timed_out"
    assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text(encoding="ascii")


def test_what_was_found_is_taken_from_the_folder(subject, worker):
    first, second = (evaluate(subject, plans("Honest"), plugins={}, worker=worker)["honest"] for _ in range(2))
    assert (first.cached, second.cached) == (False, True)
    assert first.found == second.found == Count(runs=1)
    again = evaluate(subject, plans("Honest"), again=True, plugins={}, worker=worker)["honest"]
    assert (again.cached, again.found) == (False, Count(runs=2))
    files = sorted(find_place(subject, "honest", first.key).glob("*/result.json"))
    assert [path.parent.name for path in files] == ["1", "2"], "what was found first is left as it is"
    assert evaluate(subject, plans("Honest"), plugins={}, worker=worker)["honest"].found == Count(runs=2)


def test_an_absent_layer_leaves_nothing(subject, worker):
    found = evaluate(subject, plans("Absent"), plugins={}, worker=worker)["absent"]
    assert not find_place(subject, "absent", found.key).exists()


def test_failures_are_tried_again_and_not_kept(subject, worker):
    found = evaluate(subject, plans("Second", "Raising"), plugins={}, worker=worker)
    assert (found["second"].outcome, found["second"].attempts) == ("measured", 2)
    place = find_place(subject, "raising", found["raising"].key)
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*.*")) == [
        "1/said.txt",
        "2/said.txt",
        "runs.txt",
    ]
    assert evaluate(subject, plans("Raising"), plugins={}, worker=worker)["raising"].attempts == 2


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"found": {"runs": "many"}}', b'{"found": {"runs": 7}, "layer": "honest"}']
)
def test_a_finding_that_cannot_be_read_is_measured_again(subject, worker, content):
    first = evaluate(subject, plans("Honest"), plugins={}, worker=worker)["honest"]
    (find_place(subject, "honest", first.key) / "1" / "result.json").write_bytes(content)
    again = evaluate(subject, plans("Honest"), plugins={}, worker=worker)["honest"]
    assert (again.cached, again.found) == (False, Count(runs=2))


def test_a_finding_under_another_key_is_not_taken(subject, worker):
    first = evaluate(subject, plans("Honest"), plugins={}, worker=worker)["honest"]
    place = find_place(subject, "honest", first.key)
    assert load_result(place, first.key, Count) is not None
    assert load_result(place, "0" * 64, Count) is None
    changed = orjson.loads((place / "1" / "result.json").read_bytes()) | {"outcome": "failed"}
    (place / "1" / "result.json").write_bytes(orjson.dumps(changed))
    assert load_result(place, first.key, Count) is None


def test_the_key_follows_what_a_finding_depends_on(subject):
    def key(scope="shape", version=1, tools=(), **changes):
        return compute_key("it", version, scope, subject.model_copy(update=changes), dict(tools))

    plain = key()
    assert plain == key()
    others = [
        key(version=2),
        key(tools={"tool": "2"}),
        key(text="other"),
        key(flags=("-O0",)),
        key(shape="5x67"),
        key(threads=2),
        key(python=Path("/other/bin/python")),
        key(scope="kernel"),
        key(scope="machine"),
    ]
    assert len({plain, *others}) == len(others) + 1
    assert key("kernel", shape="5x67") == key("kernel")
    assert key("machine", shape="5x67", text="other") == key("machine")
    path = subject.task().path / "task.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert key() != plain


def test_only_what_is_wanted_and_what_that_needs_is_run(subject, worker):
    found = evaluate(subject, plans("Honest", "Raising", "Needy"), only=["needy"], plugins={}, worker=worker)
    assert list(found) == ["raising", "needy"]
    with pytest.raises(UserError, match="Cannot run layer nothing"):
        evaluate(subject, plans("Honest"), only=["nothing"], plugins={})


def test_jobs_run_in_order_and_a_circle_is_refused():
    ran = []

    def job(name: str, *needs: str, after: tuple[str, ...] = ()) -> LayerJob:
        def work(_):
            ran.append(name)
            if name == "bad":
                raise ValueError("of no use")
            return LayerResult(layer=name, outcome="measured")

        return LayerJob(name, work, needs=needs, after=after)

    found = run_jobs([job("last", "first", after=("bad",)), job("bad"), job("first"), job("lost", "bad")])
    assert ran == ["bad", "first", "last"]
    assert {name: it.outcome for name, it in found.items()} == {
        "bad": "failed",
        "first": "measured",
        "last": "measured",
        "lost": "skipped",
    }
    assert found["lost"].why == "needs bad: ValueError: of no use"
    with pytest.raises(ValueError, match="cycle"):
        run_jobs([job("a", "b"), job("b", "a")])
    with pytest.raises(ValueError, match="two jobs"):
        run_jobs([job("a"), job("a")])


def test_all_layers_of_this_package_say_what_they_are():
    found = [load(reference) for reference in BUILT_IN]
    assert {layer.number for layer in found} == {0, 1, 2, 3, 4, 5}, "the sixth is for others to register"
    assert len({layer.name for layer in found}) == len(found)
    assert all(layer.measures and layer.title and layer.limit_s > 0 for layer in found)
    with pytest.raises(TypeError, match="is a NoLayer"):
        load(f"{HERE}:NoLayer")


def test_a_worker_can_be_closed_twice_and_leaves_nothing():
    running = LayerWorker()
    assert running.describe(f"{HERE}:Honest", Path("/tmp")).described.name == "honest"
    pid = running._process.pid
    running.close()
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
