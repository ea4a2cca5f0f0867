"""A report in a few lines of Markdown, for a terminal or a pull request."""

from __future__ import annotations

import re

from bankable.tools.report.model import ReportModel
from bankable.tools.report.words import bounds, percent, share

_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")


def summary(report: ReportModel) -> str:
    """Verdict, interval, what changes, every decision, what was not judged. Ends with a newline."""
    lines = [f"**{plain(report.verdict if report.finished else 'not finished')}**: {plain(report.headline)}", ""]
    lines.append(f"Model {plain(report.model)}, run {plain(report.run_id)}.")
    if report.delta is not None or report.interval is not None:
        name = plain(report.metric.replace("_", " ").capitalize())
        limits = f" {plain(report.limits)}" if report.limits else ""
        lines.append(f"{name} {percent(report.delta)} ({bounds(report.interval)}){limits}.")
    if not report.proven:
        lines.append("This run proved no gain that may be banked.")
    if report.accepted:
        lines += ["", "What changes:" if report.proven else "Banked on the way, not part of a verified result:"]
        for item in report.accepted:
            settings = ", ".join(f"{plain(s.name)}={plain(s.value)}" for s in item.settings)
            source = f" (proposed by: {plain(item.source)})" if item.source else ""
            lines.append(f"- {plain(item.name)}: {settings or 'nothing'}{source}")
    if report.decisions:
        lines += ["", "Decisions:"]
        for decision in report.decisions:
            verdicts = f" [{', '.join(decision.verdicts)}]" if decision.verdicts else ""
            lines.append(f"- {plain(decision.subject)}: {plain(decision.decision)}{verdicts}: {plain(decision.reason)}")
    if report.profile is not None and report.profile.ops:
        top = ", ".join(f"{plain(op.op)} {share(op.share)}" for op in report.profile.top(3))
        lines += ["", f"Where the time goes: {top}; outside operators {share(report.profile.host_share)}."]
    for role in report.asked.roles:
        tokens = role.prompt_tokens + role.completion_tokens
        lines += ["", f"Asked as {plain(role.role)}: {role.requests} requests, {tokens} tokens, {plain(role.cost)}."]
    if report.asked.audit:
        lines += ["", plain(report.asked.audit)]
    open_ends = [f"{n.kind}: {n.source}: {n.text}" for n in report.not_judged]
    if not report.audited:
        open_ends.append("No verdict was found: nothing has been audited.")
    if open_ends or report.gaps:
        lines += ["", "Not judged or not readable:", *(f"- {plain(text)}" for text in [*open_ends, *report.gaps])]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return _MARKUP.sub(r"\\\1", text)
