"""Run folders of GEAK's e2e workflow: the public cases, rebuilt from the figures in their reports.

Figures: AMD-AGI/GEAK, ``perf_knowledge/expert_skills/skills/patch_auditor/proof/fixtures.yaml`` (commit e44107f4).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Action, Severity, Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits, server_log, write, write_lines
from tests.nodes.auditor.importers.geak_runs import CAND, CLEAR, GIBBERISH, REF, codes, integrated, leg, row, shown


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "e2e_run"


def test_c01_a_starved_reference_is_ejected(run: Path) -> None:
    starved = {"mem_fraction_static": 0.7225, "max_total_num_tokens": 947_041}
    leg(run / "validation/base", REF, starved, log="")
    leg(run / "validation/final", CAND, {}, log="")
    write(
        run / "director_e2e_validation.json",
        {
            "baseline_throughput_tok_s": 1004.906,
            "director_verified_throughput_tok_s": 1677.476,
            "throughput_speedup": 1.6693,
            "validation_status": "accepted",
            "serving_invariant": {"mem_fraction": 0.85},
        },
    )
    verdict = audit_pair(run, scope="bundle")
    assert (verdict.verdict, verdict.action) == (Word.FAIL, Action.EJECT), shown(verdict)
    assert "starved_reference" in codes(verdict, Severity.FAIL)
    assert [(hit.expected, hit.observed) for hit in hits(verdict, "reported_conditions", Severity.FAIL)] == [
        ("mem_fraction_static = 0.85, as claimed", "mem_fraction_static = 0.7225 in reference")
    ]
    assert "(withheld)" in verdict.headline


def test_c01_also_when_the_log_shows_a_full_pool(run: Path) -> None:
    starved = {"mem_fraction_static": 0.7225, "max_total_num_tokens": 9_470}
    leg(run / "ref", REF, starved, log=server_log(65, 0.97))
    leg(run / "cand", CAND, {"max_total_num_tokens": 11_564}, log=server_log(65, 0.95))
    verdict = audit_pair(run)
    assert (verdict.verdict, verdict.action) == (Word.FAIL, Action.EJECT)


def test_c02_a_larger_pool_that_never_filled_is_no_confound(run: Path) -> None:
    folder = integrated(
        run,
        "attn",
        winner_kind="flag",
        apply_flags="--attention-backend triton",
        ref_med=1004.906,
        cand_med=1100.0,
        e2e_delta_pct=9.463,
    )
    leg(folder / "ref", REF, {"mem_fraction_static": 0.7225, "max_total_num_tokens": 947_041})
    leg(folder / "cand", [1098.0, 1100.0, 1102.0], {"attention_backend": "triton"})
    verdict = audit_pair(run)
    assert verdict.verdict is Word.FLAG, shown(verdict)
    assert "inert_capacity" in {finding.code for finding in verdict.findings if finding.rule == "same_conditions"}
    assert codes(verdict, Severity.FLAG) == {"not_shown", "one_launch"}
    assert verdict.lever_class == "A"
    assert not verdict.counts_as_kernel_win


def _knob_moved(run: Path, log: str | None) -> Verdict:
    """A second memory knob differs in the candidate's resolved arguments, and the pool does not."""
    folder = integrated(run, "attn", apply_flags="--attention-backend triton", e2e_delta_pct=66.93)
    leg(folder / "ref", REF, log=log)
    leg(folder / "cand", CAND, {"attention_backend": "triton", "mem_fraction_static": 0.80}, log=log)
    return audit_pair(run)


def test_i3_a_second_memory_knob_that_no_log_shows_inert_fails(run: Path) -> None:
    verdict = _knob_moved(run, log="")
    assert verdict.verdict is Word.FAIL, shown(verdict)
    assert [hit.code for hit in hits(verdict, "same_conditions", Severity.FAIL)] == ["unverifiable"]
    assert "mem_fraction_static was inert" in hits(verdict, "same_conditions", Severity.FAIL)[0].expected + "".join(
        note.text for note in verdict.notes
    )


def test_a_second_memory_knob_that_the_logs_show_inert_is_no_confound(run: Path) -> None:
    assert not hits(_knob_moved(run, log=server_log(65, 0.11)), "same_conditions", Severity.FAIL)


def _replicas(run: Path, summary: dict[str, object]) -> Verdict:
    """An accept over six fresh servers a side, with this summary of the director."""
    for side, level, extra in (("base", 1000.0, {}), ("final", 1200.0, {"schedule_policy": "lpm"})):
        for index in range(1, 7):
            replica = run / "validation" / side / f"replica_{index:03d}"
            leg(replica / "attempt_1", [level + index, level + index + 0.5], extra)
            (replica / "selected_attempt").write_text("1\n")
        write_lines(run / "validation" / side / "bench_runs.jsonl", [row(level, None)])
    write(run / "director_e2e_validation.json", {"apply_flags": "--schedule-policy lpm", **summary})
    return audit_pair(run)


def test_a_live_accept_over_six_replicas_is_flagged(run: Path) -> None:
    """The gain is real; what the tool does not record keeps it from a PASS."""
    honest = {
        "baseline_throughput_tok_s": 1003.75,
        "director_verified_throughput_tok_s": 1203.75,
        "throughput_speedup": 1.1993,
    }
    verdict = _replicas(run, honest)
    assert verdict.verdict is Word.FLAG, shown(verdict)
    assert codes(verdict, Severity.FLAG) == {"not_shown"}
    assert "6 and 6 launches" in verdict.headline


def test_i4_nulls_in_the_summary_over_intact_raw_change_nothing(run: Path) -> None:
    nulls = dict.fromkeys(
        ("baseline_throughput_tok_s", "director_verified_throughput_tok_s", "throughput_speedup", "non_overlapping")
    )
    verdict = _replicas(run, nulls)
    assert verdict.verdict is Word.FLAG, shown(verdict)
    assert codes(verdict, Severity.FLAG) == {"not_shown"}
    assert verdict.metrics[0].delta == pytest.approx(0.199, abs=0.002)


def test_h01_a_kernel_compared_with_itself_over_a_real_gain(run: Path) -> None:
    folder = integrated(
        run,
        "gemm_a8w8",
        winner_kind="authored",
        apply_flags="",
        isolated_speedup=3.0306,
        pct_gpu_time=78.0,
        ref_med=1022.0,
        cand_med=1663.2,
        e2e_delta_pct=62.743,
    )
    leg(folder / "ref", [1021.1, 1022.0, 1023.0])
    leg(folder / "cand", [1660.0, 1663.2, 1665.0])
    benchmark = {
        "op_kind": "gemm",
        "results": [],
        "winner_backend": "aiter_blockscale",
        "winner_ms": 0.2,
        "baseline_backend": "aiter_blockscale",
        "baseline_ms": 0.2,
        "isolated_speedup": 1.0,
        "harness_suspect": False,
    }
    write(run / "kernels/gemm_a8w8_task/opbench_result.json", benchmark)
    verdict = audit_pair(run)
    assert (verdict.verdict, verdict.action) == (Word.FLAG, Action.REPLACE_HEADLINE), shown(verdict)
    assert "self_comparison" in codes(verdict, Severity.FLAG)
    assert verdict.headline.startswith("output_throughput +62.7%")
    # The same operator benchmark without an end-to-end gain leaves nothing.
    leg(folder / "cand", [1021.0, 1022.5, 1023.0])
    write(folder / "integrate_result.json", {"winner_kind": "authored", "isolated_speedup": 3.0306})
    assert audit_pair(run).verdict is Word.FAIL


def test_an_honest_benchmark_is_left_alone(run: Path) -> None:
    folder = integrated(run, "gemm", winner_kind="authored", apply_flags="", isolated_speedup=2.0, pct_gpu_time=80.0)
    leg(folder / "ref", [1000.0, 1001.0, 1002.0])
    leg(folder / "cand", [1500.0, 1501.0, 1502.0])
    benchmark = {
        "results": [],
        "winner_backend": "triton",
        "winner_ms": 0.1,
        "baseline_backend": "hipblaslt",
        "baseline_ms": 0.2,
        "isolated_speedup": 2.0,
        "harness_suspect": False,
    }
    write(run / "kernels/gemm_task/opbench_result.json", benchmark)
    verdict = audit_pair(run)
    assert not hits(verdict, "harness_headline")
    assert [hit.observed for hit in hits(verdict, "harness_headline", Severity.INFO)] == ["2×"]


def test_a01_speculative_decoding_sold_as_a_kernel(run: Path) -> None:
    folder = integrated(
        run,
        "spec",
        winner_kind="patch",
        apply_flags="--speculative-algorithm NEXTN --speculative-num-steps 4",
        isolated_speedup=1.35,
        ref_med=1004.906,
        cand_med=1351.6,
        e2e_delta_pct=34.5,
    )
    leg(folder / "ref", REF)
    leg(folder / "cand", [1350.0, 1351.6, 1353.0], {"speculative_algorithm": "NEXTN", "speculative_num_steps": 4})
    verdict = audit_pair(run)
    assert (verdict.verdict, verdict.action) == (Word.FLAG, Action.DOWNGRADE_HEADLINE), shown(verdict)
    assert verdict.lever_class == "B"
    assert not verdict.counts_as_kernel_win


def test_q01_a_reference_that_decodes_gibberish_certifies_nothing(run: Path) -> None:
    folder = integrated(run, "attn", apply_flags="--attention-backend triton", e2e_delta_pct=9.0)
    leg(folder / "ref", [1000.0, 1001.0, 1002.0], texts=GIBBERISH)
    leg(folder / "cand", [1090.0, 1091.0, 1092.0], {"attention_backend": "triton"}, texts=CLEAR)
    verdict = audit_pair(run)
    assert verdict.verdict is Word.FAIL
    assert codes(verdict, Severity.FAIL) == {"unverifiable_noncoherent_reference"}, shown(verdict)


def test_d07_a_warm_up_outlier_in_the_baseline(run: Path) -> None:
    leg(run / "baseline", [966.36, 1004.05, 1004.71])
    verdict = audit_pair(run, scope="baseline")
    assert (verdict.verdict, verdict.action) == (Word.FLAG, Action.REMEASURE), shown(verdict)
    found = next(finding for finding in verdict.findings if finding.code == "warm_up_outlier")
    assert "spread up to 3.82%, 7.6 × the band" in found.observed
    # A folder of the leg itself, and a settled baseline.
    leg(run / "baseline", [1003.36, 1004.05, 1004.71])
    settled = audit_pair(run / "baseline", scope="baseline")
    assert "warm_up_outlier" not in codes(settled, Severity.FLAG)
    assert settled.action is Action.FLAG


def test_h17_a_kernel_that_kills_the_server(run: Path) -> None:
    folder = integrated(
        run,
        "fwd",
        winner_kind="authored",
        apply_flags="",
        isolated_speedup=6.6061,
        gate="rejected",
        cand_crashed=True,
    )
    leg(folder / "ref", REF)
    died = "Fatal Python error: Aborted\nAborted (core dumped)\n"
    leg(folder / "cand", [1100.0], log=server_log(65, 0.11, died), texts=None)
    verdict = audit_pair(run)
    assert (verdict.verdict, verdict.action) == (Word.FAIL, Action.EJECT), shown(verdict)
    assert {"server_fault", "missing_rounds"} <= codes(verdict, Severity.FAIL)
    # Dead before its first round: there is nothing to read but its log.
    (folder / "cand" / "bench_runs.jsonl").write_text("")
    nothing = audit_pair(run)
    assert (nothing.verdict, nothing.action) == (Word.FAIL, Action.EJECT)


def test_a_fault_of_the_candidate_alone_is_harm_and_one_of_both_is_a_bad_measurement(run: Path) -> None:
    broken = server_log(65, 0.11, "Segmentation fault\n")
    leg(run / "ref", REF)
    leg(run / "cand", CAND, {"schedule_policy": "lpm"}, log=broken)
    assert [hit.action for hit in hits(audit_pair(run), "server_faults", Severity.FAIL)] == [Action.EJECT]
    leg(run / "ref", REF, log=broken)
    assert {entry.action for entry in hits(audit_pair(run), "server_faults", Severity.FAIL)} == {Action.REMEASURE}


def test_only_the_reference_was_measured(run: Path) -> None:
    leg(integrated(run, "late", gate="incomplete", ab_complete=False) / "ref", REF)
    verdict = audit_pair(run)
    assert verdict.verdict is Word.FAIL
    assert "no_rounds" in codes(verdict, Severity.FAIL)


def test_reported_medians_are_held_against_raw(run: Path) -> None:
    honest = {"ref_med": 1004.906, "cand_med": 1677.476, "e2e_delta_pct": 66.93}
    folder = integrated(run, "policy", **honest)
    leg(folder / "ref", REF)
    leg(folder / "cand", CAND, {"schedule_policy": "lpm"})
    assert not hits(audit_pair(run), "reported_vs_raw", Severity.FAIL)
    integrated(run, "policy", **{**honest, "cand_med": 1700.0, "e2e_delta_pct": 69.2})
    wrong = hits(audit_pair(run), "reported_vs_raw", Severity.FAIL)
    assert {entry.observed for entry in wrong} == {"candidate.output_throughput = 1700.0000", "gain +69.20%"}
    integrated(run, "policy", ref_med=None, cand_med=None, e2e={"ref_median_tok_s": 1004.906, "delta_pct": 12.0})
    assert [hit.observed for hit in hits(audit_pair(run), "reported_vs_raw", Severity.FAIL)] == ["gain +12.00%"]
    integrated(run, "policy", ref_med=None, cand_med=None)  # nulls over intact raw are no lie (D06)
    assert not hits(audit_pair(run), "reported_vs_raw", Severity.FAIL)


def test_a_summary_that_differs_from_its_rows(run: Path) -> None:
    leg(run / "ref", REF)
    leg(run / "cand", CAND, {"schedule_policy": "lpm"})
    write(run / "cand/bench_summary.json", {"output_throughput_tok_s_median": 1800.0, "all_throughput": CAND})
    found = hits(audit_pair(run), "reported_vs_raw", Severity.FAIL)
    assert [entry.evidence[0].file for entry in found] == ["candidate/bench_summary.json"]


def test_two_settings_in_one_patch(run: Path) -> None:
    changed = {"schedule_policy": "lpm", "attention_backend": "triton"}
    folder = integrated(run, "two", apply_flags="--schedule-policy lpm --attention-backend triton")
    leg(folder / "ref", REF)
    leg(folder / "cand", CAND, changed)
    assert "two_levers" in codes(audit_pair(run), Severity.FAIL)
    assert "two_levers" not in codes(audit_pair(run, scope="bundle"), Severity.FAIL)


def test_a_second_undeclared_setting_is_measured_again(run: Path) -> None:
    folder = integrated(run, "policy")
    leg(folder / "ref", REF)
    leg(folder / "cand", CAND, {"schedule_policy": "lpm", "attention_backend": "triton"})
    verdict = audit_pair(run)
    assert "undeclared_difference" in codes(verdict, Severity.FAIL)
    assert verdict.action is Action.REMEASURE


def test_a_hidden_latency_regression_costs_the_headline(run: Path) -> None:
    folder = integrated(run, "policy")
    leg(folder / "ref", REF, ttft=4283.0)
    leg(folder / "cand", CAND, {"schedule_policy": "lpm"}, ttft=9446.0)
    verdict = audit_pair(run)
    assert "latency_worse" in codes(verdict, Severity.FLAG)
    assert verdict.action is Action.DOWNGRADE_HEADLINE


def test_a_gain_above_what_the_kernel_can_give(run: Path) -> None:
    folder = integrated(run, "tiny", winner_kind="authored", apply_flags="", isolated_speedup=1.1, pct_gpu_time=5.6)
    leg(folder / "ref", [1000.0, 1001.0, 1002.0])
    leg(folder / "cand", [1100.0, 1101.0, 1102.0])
    assert "above_ceiling" in codes(audit_pair(run), Severity.FAIL)


def test_isolated_servers_are_launches(run: Path) -> None:
    for side, level, extra in (("base", 1000.0, {}), ("final", 1200.0, {"schedule_policy": "lpm"})):
        for index in range(1, 5):
            replica = run / "validation" / side / f"replica_{index:03d}"
            leg(replica / "attempt_1", [1.0])
            leg(replica / "attempt_2", [level + index], extra)
            (replica / "selected_attempt").write_text("2\n")
        write_lines(run / "validation" / side / "bench_runs.jsonl", [row(1.0, None)])
    verdict = audit_pair(run)
    assert "4 and 4 launches" in verdict.headline
    assert hits(verdict, "real_delta", Severity.INFO)[0].observed.startswith("+19.9")


def test_rows_of_other_clients(run: Path) -> None:
    """As ``map_aiperf.py`` writes them: zeros stand for what was not reported."""
    for side, rate in (("ref", 1000.0), ("cand", 1200.0)):
        rows = [
            {
                "output_throughput": rate + k,
                "request_throughput": 1.0,
                "completed": 0,
                "total_output_tokens": 0,
                "duration": 60.0,
                "median_ttft_ms": 200.0,
                "median_tpot_ms": 20.0,
                "submission_valid": None,
            }
            for k in range(3)
        ]
        write_lines(run / side / "bench_runs.jsonl", rows)
    verdict = audit_pair(run)
    assert verdict.verdict is Word.FLAG, shown(verdict)
    assert hits(verdict, "real_delta", Severity.FLAG)[0].observed.startswith("+19.98%")


def test_several_candidates_have_to_be_told_apart(run: Path) -> None:
    for name in ("one", "two"):
        leg(integrated(run, name) / "ref", REF)
        leg(run / "overlay" / f"cand_{name}" / "cand", CAND, {"schedule_policy": "lpm"})
    with pytest.raises(UserError, match="cand_one, cand_two"):
        audit_pair(run)
    assert audit_pair(run / "overlay/cand_two").verdict is Word.FLAG


def test_a_summary_of_geak_serves_as_the_claim_of_two_folders(run: Path) -> None:
    leg(run / "a", REF)
    leg(run / "b", CAND, {"schedule_policy": "lpm"})
    write(run / "claim.json", {"throughput_speedup": 1.9, "apply_flags": "--schedule-policy lpm"})
    verdict = audit_pair(run / "a", run / "b", run / "claim.json")
    assert [hit.observed for hit in hits(verdict, "reported_vs_raw", Severity.FAIL)] == ["gain +90.00%"]
