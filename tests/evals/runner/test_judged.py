"""The judge over a handful of fixtures, asked over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.evals.main import app
from bankable.evals.runner.auditor import Auditor
from bankable.evals.runner.judged import make_empty_pass, set_up_judges
from bankable.evals.runner.results import read_results
from bankable.nodes.auditor.verdict import Word
from bankable.tools.errors import UserError
from bankable.tools.llm.ledger import read_ledger
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, refusal, says
from tests.nodes.auditor.judge.ballots import PASS, quoting, shown

ROOT = Path(__file__).resolve().parents[3]
HONEST, FRAUD, SCHEDULES = "plain-gain", "c03-cold-reference", "a02-overlay-schedules"


def _run(
    out: Path, served: ScriptedEndpoint, auditor: str, *words: str, only: tuple[str, ...] = (HONEST,)
) -> tuple[int, str]:
    chosen = [word for name in only for word in ("--only", name)]
    options = ["--auditor", auditor, "--llm", "m", "--llm-base-url", served.url, "--jobs", "1", "--no-cache"]
    done = CliRunner().invoke(app, ["run", "--out", str(out), *chosen, *options, *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.output


def _reader(asked: ChatRequest) -> ChatReply:
    """A model that reads the overlay: whatever writes to the scheduler is not an operator."""
    if any("scheduler.Scheduler" in line for lines in shown(asked).values() for line in lines.values()):
        return quoting("scheduler.Scheduler")(asked)
    return says(PASS)


def test_the_judge_alone_finds_what_it_reads_and_passes_the_rest(tmp_path: Path) -> None:
    with ScriptedEndpoint(_reader) as served:
        code, said = _run(tmp_path, served, "judge", only=(HONEST, SCHEDULES, FRAUD))
        assert len(served.requests) == 9
    found = {result.fixture: result for result in read_results(tmp_path)}
    assert found[HONEST].word is Word.PASS
    assert (found[SCHEDULES].word, [finding.rule for finding in found[SCHEDULES].findings]) == (Word.FAIL, ["judge"])
    assert found[FRAUD].word is Word.PASS  # a cold reference is arithmetic: nothing that a reader sees
    assert code == 1
    assert "frauds signed off    1 of 2" in said
    assert found[HONEST].auditor.startswith("judge m 3 ")


def test_both_together_ask_only_where_something_can_be_lowered(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        code, said = _run(tmp_path, served, "both", only=(HONEST, FRAUD))
        assert len(served.requests) == 3
    assert code == 0, said
    assert {result.fixture: result.word for result in read_results(tmp_path)} == {HONEST: Word.PASS, FRAUD: Word.FAIL}
    (ledger,) = (tmp_path / "calls").glob(f"*/{HONEST}.jsonl")
    lines = read_ledger(ledger)
    assert [line.outcome for line in lines] == ["answered"] * 3
    assert "judge" in said
    assert "unknown (no price)" in said


@pytest.mark.long
def test_a_judge_that_accuses_the_honest_is_seen(tmp_path: Path) -> None:
    with ScriptedEndpoint(quoting('"headline"')) as served:
        code, said = _run(tmp_path, served, "both")
    assert code == 1
    assert "WRONG  plain-gain: FAIL instead of PASS" in said


def test_a_judge_that_refuses_changes_no_word_and_is_seen(tmp_path: Path) -> None:
    with ScriptedEndpoint(refusal()) as served:
        code, said = _run(tmp_path, served, "both")
    assert (code, "WRONG  plain-gain: degraded: judge" in said) == (1, True), said
    (found,) = read_results(tmp_path)
    assert (found.word, found.degraded) == (Word.PASS, ("judge",))


def test_votes_and_repeats(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        _run(tmp_path, served, "both", "--votes", "1", "--repeats", "2")
        assert len(served.requests) == 2
    assert [result.repeat for result in read_results(tmp_path)] == [0, 1]


@pytest.mark.long
def test_what_it_cost(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        _, said = _run(tmp_path / "out", served, "both", "--llm-price", "m=1000,5000")
    assert "$0.6000" in said  # three votes of 100 tokens read and 20 written


@pytest.mark.long
def test_a_budget_is_for_all_fixtures_together(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        _, said = _run(tmp_path, served, "judge", "--llm-budget", "calls=4", only=(HONEST, SCHEDULES))
        assert len(served.requests) == 4
    assert {result.degraded for result in read_results(tmp_path)} == {(), ("judge",)}
    assert "over_budget" in said


@pytest.mark.long
def test_two_models_side_by_side(tmp_path: Path) -> None:
    """One of them accuses everybody, with a quote that holds; the rules beside them are the same."""

    def script(asked: ChatRequest) -> ChatReply:
        return quoting('"headline"')(asked) if asked.body["model"] == "harsh" else says(PASS)

    with ScriptedEndpoint(script) as served:
        words = [
            "--models",
            "mild,harsh",
            "--auditor",
            "both",
            "--llm-base-url",
            served.url,
            "--jobs",
            "1",
            "--no-cache",
        ]
        words += ["--only", HONEST, "--only", FRAUD, "--repeats", "2", "--llm-price", "mild=1000,5000"]
        done = CliRunner().invoke(app, ["run", "--out", str(tmp_path), *words])
        assert len(served.requests) == 12
        assert done.exit_code == 1, done.output
        again = CliRunner().invoke(app, ["run", "--out", str(tmp_path), *words])
        assert len(served.requests) == 12
    assert "4 fixtures are done already" in again.output
    found = read_results(tmp_path)
    asked = {entry.asked.model: entry.asked for entry in found if entry.asked is not None}
    assert (asked["mild"].word, asked["mild"].concerns) == (Word.PASS, ())
    assert (asked["mild"].requests, asked["mild"].prompt_tokens, asked["mild"].completion_tokens) == (3, 300, 60)
    assert asked["mild"].cost == pytest.approx((300 * 1000 + 60 * 5000) / 1e6)
    assert (asked["harsh"].word, asked["harsh"].concerns, asked["harsh"].cost) == (Word.FAIL, ("claim_mismatch",), None)
    assert all(item.asked is None and item.gate == item.verdict for item in found if item.fixture == FRAUD)
    mild, harsh, across = done.output.split("=== both ")[1], done.output.split("=== both ")[2], done.output
    assert "WRONG" not in mild
    assert "2 judgments, 6 requests, 600 tokens read and 120 written, $1.2000" in mild
    assert "WRONG  plain-gain: FAIL instead of PASS: judge/claim_mismatch" in harsh
    assert "same judgment        1 of 1 = 100.0%" in harsh
    assert "accused 2 of 2 verdicts = 100.0% (95 % interval 20.7% to 100.0%, 1 clusters)" in harsh
    assert "over 2 models" in across
    assert "equal verdict bytes of the rules   2 of 2" in across
    assert "one word of the judges             0 of 1" in across
    assert "differs  plain-gain: PASS · FAIL" in across
    html = (tmp_path / "report.html").read_text()
    assert "Over 2 models" in html
    assert (
        "<code>plain-gain</code></td><td>honest</td><td>development</td><td>PASS</td><td>PASS</td><td>FAIL</td>" in html
    )


@pytest.mark.long
def test_results_of_several_models_are_compared_by_name(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        _run(tmp_path, served, "both", "--models", "org/n")
    folder = str(tmp_path)
    done = CliRunner().invoke(app, ["compare", folder, folder, "--model", "m,org/n"])
    assert done.output.startswith("not decidable with these 1 fixtures"), done.output
    for words, why in (((), "results of several judges"), (("--model", "o"), "no result of this model")):
        done = CliRunner().invoke(app, ["compare", folder, folder, *words])
        assert isinstance(done.exception, UserError)
        assert why in str(done.exception)
        assert "Give --model with one of m, org/n" in str(done.exception)


def test_results_of_another_model_or_number_of_votes_are_not_mixed(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        _run(tmp_path, served, "both")
        done = CliRunner().invoke(
            app, ["run", "--out", str(tmp_path), "--auditor", "both", "--llm", "n", "--llm-base-url", served.url]
        )
    assert isinstance(done.exception, UserError)
    assert "have other auditor" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--auditor", "judge"], "Cannot judge with a language model: none is given (--auditor judge)"),
        (["--auditor", "both"], "Cannot judge with a language model: none is given (--auditor both)"),
        (["--llm", "m"], "Cannot apply the option: the rules use no language model"),
        (["--skill", "skills/patch_auditor"], "Cannot apply the option: the rules use no language model (--skill)"),
        (["--auditor", "both", "--llm", "m", "--skill", "nowhere"], "Cannot read the skill: file not found"),
        (
            ["--auditor", "both", "--llm", "m", "--skill", "skills/levers"],
            "Cannot use the skill: it is not for the judge (skills/levers)",
        ),
        (["--auditor", "both", "--models", "a,,b"], "Cannot read --models: a model name is empty"),
        (
            ["--auditor", "both", "--models", "a,b,a", "--llm-base-url", "http://127.0.0.1:9/v1"],
            "Cannot judge: a model is named twice",
        ),
        (["--llm-budget", "calls=1"], "Cannot apply the option: no language model is given (--llm-budget)"),
        (["--auditor", "both", "--llm", "m", "--llm-price", "m=1"], "Cannot read --llm-price: '1' is not two prices"),
        (["--auditor", "both", "--llm", "m", "--llm-budget", "usd=1"], "Cannot keep a budget in money: no price for m"),
        (["--auditor", "both", "--llm", "openai:gpt-x"], "Cannot ask the language model: no key"),
        (
            ["--auditor", "both", "--llm", "m", "--llm-base-url", "http://example.com/v1"],
            "Cannot use the address: plain http to another machine",
        ),
    ],
)
def test_mistakes_are_one_line_before_anything_is_judged(words: list[str], why: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evals", "run", *words, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {why}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_two_workers_write_side_by_side(tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        code, said = _run(tmp_path, served, "both", "--jobs", "2", only=(HONEST, FRAUD))
    assert code == 0, said


def test_the_rules_alone_load_nothing_of_a_model() -> None:
    code = "import sys, bankable.evals.__main__; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"openai", "langchain_openai", "langchain_core", "httpx2"} & set(done.stdout.split())


def test_a_folder_without_a_request_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="request"):
        make_empty_pass(tmp_path)
    assert set_up_judges(Auditor.RULES, (), None, 3) == ()
