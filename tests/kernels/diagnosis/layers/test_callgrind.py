"""What callgrind writes is read as it counts: each cost once, to whom it belongs."""

from __future__ import annotations

import pytest

from bankable.kernels.diagnosis.layers.callgrind import read_profile

TEXT = """# callgrind format
version: 1
positions: instr
events: Ir Dr Dw I1mr D1mr
summary: 40 8

ob=/lib/kernel.so
fl=???
fn=run
0x10 5 1
0x14 5 0 2
cob=/lib/libgomp.so.1
cfi=???
cfn=GOMP_barrier
calls=3 0x900
0x18 3000 7
0x18 5
fn=helper
0x20 1
cfn=run
calls=2 0x10
0x24 900
ob=/lib/libgomp.so.1
fn=GOMP_barrier
0x900 30 6 3 0 1
"""


def test_costs_are_of_the_function_itself(tmp_path):
    path = tmp_path / "out"
    path.write_text(TEXT, encoding="utf-8")
    profile = read_profile(path)
    assert profile.functions["/lib/kernel.so", "run"] == {"Ir": 15, "Dr": 1, "Dw": 2}
    assert profile.functions["/lib/libgomp.so.1", "GOMP_barrier"]["D1mr"] == 1
    assert profile.calls == {("/lib/libgomp.so.1", "GOMP_barrier"): 3, ("/lib/kernel.so", "run"): 2}
    assert profile.addresses["/lib/kernel.so"] == {0x10: 5, 0x14: 5, 0x18: 5, 0x20: 1}
    assert (profile.total("Ir"), profile.total("DLmr")) == (46, 0)


def test_lines_of_source_may_stand_before_the_costs(tmp_path):
    path = tmp_path / "out"
    path.write_text("positions: instr line\nevents: Ir Dr\nob=/k\nfn=run\n0x10 12 5 1\n", encoding="utf-8")
    assert read_profile(path).functions["/k", "run"] == {"Ir": 5, "Dr": 1}


def test_the_difference_of_two_runs_is_what_calls_cost(tmp_path):
    texts = {"first": TEXT, "more": TEXT.replace("0x10 5 1", "0x10 25 5").replace("calls=3", "calls=23")}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    call = read_profile(tmp_path / "more").minus(read_profile(tmp_path / "first"), 2)
    assert call.functions["/lib/kernel.so", "run"] == {"Ir": 10, "Dr": 2}
    assert call.functions["/lib/kernel.so", "helper"] == {}
    assert call.calls == {("/lib/libgomp.so.1", "GOMP_barrier"): 10}
    assert call.addresses["/lib/kernel.so"] == {0x10: 10}


def test_what_is_no_profile_is_refused(tmp_path):
    (tmp_path / "out").write_text("killed\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not written by callgrind"):
        read_profile(tmp_path / "out")
