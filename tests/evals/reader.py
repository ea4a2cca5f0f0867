"""A scripted judge that reads: it looks for what the skill in its prompt tells it to look for, and for nothing else.

It is a function of the request alone, so that two runs with one skill get the same answers, and a skill from which a
sentence is gone finds less.
"""

from __future__ import annotations

import re

from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, says
from tests.nodes.auditor.judge.ballots import PASS, accuse, shown

LOOKS: tuple[tuple[str, str, str], ...] = (
    ("touches the scheduler, the sampler,", r"scheduler\.Scheduler|os\.environ\[|\bexec\(", "claim_mismatch"),
    ("sold as a kernel while", r"^  \"headline\": .*kernel|speculative_algorithm|model_override_args", "lever_class"),
    ("drift into repetition", r"(\b\w[\w ]{8,60}\b)( \1){2}|\bxq zvk|\bvxq zzkr", "coherence"),
    ("a reference that decodes nonsense", r"\bxq zvk", "coherence"),
    ("A reference that is slower than what the server really runs", r"\"baseline_backend\": \"unfused\"", "other"),
)
"""A sentence of the skill, what it makes a reader see in a line, and the concern that this is."""


def reads(asked: ChatRequest) -> ChatReply:
    """A vote: the first line that one of the skill's sentences is about, or nothing."""
    told = " ".join(asked.system.split())
    for sentence, pattern, concern in LOOKS:
        if sentence not in told:
            continue
        for file, lines in shown(asked).items():
            for number, line in lines.items():
                if re.search(pattern, line):
                    quote = {"file": file, "line": number, "text": line.strip()[:200]}
                    return says(accuse(quote, concern=concern))
    return says(PASS)
