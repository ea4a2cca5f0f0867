"""Notes on the limitations of a profiled window, in plain words."""

from __future__ import annotations

from bankable.tools.profiling.records import OperatorFamily, Profile, StepPhase

MANY_BLANKS = 0.2
MUCH_IDLE = 0.3
SKEWED = 2.0


def notes_on(profile: Profile) -> tuple[str, ...]:
    """Warnings that follow from the profile alone; it cannot show whether the mix fits the load."""
    prefill, decode = profile.phase(StepPhase.PREFILL), profile.phase(StepPhase.DECODE)
    notes = (
        (any(t.torn for t in profile.traces), "A trace file ends early; only what came before that point was counted."),
        (any(t.malformed for t in profile.traces), "Some events were malformed and were left out."),
        (
            any(t.with_stack for t in profile.traces),
            "Python frames were recorded too, which inflates host time; profile with with_stack=false.",
        ),
        (
            profile.phase_source == "none",
            "Steps cannot be told apart: prefill and decode are mixed, idle time is not taken out.",
        ),
        (profile.phase_source == "shapes", "Steps were classified by token counts, not by the engine's own spans."),
        (
            profile.phase_source != "none" and prefill is None,
            "The window holds no prefill step: it says nothing about prompts. Profile for longer.",
        ),
        (
            profile.phase_source != "none" and decode is None,
            "The window holds no decode step: it is a prefill ramp, not the steady mix. Start later.",
        ),
        (
            prefill is not None and prefill.tokens == prefill.requests,
            "Every prompt came out of the prefix cache: prefill cost is not in this window. Flush, use a new seed.",
        ),
        (
            profile.idle_share > MUCH_IDLE,
            f"The scheduler was idle for {profile.idle_share:.0%} of the window: the load was too light.",
        ),
        (
            profile.blank_shape_share > MANY_BLANKS,
            f"{profile.blank_shape_share:.0%} of operator time carries no shapes.",
        ),
        *(
            (
                op.family is OperatorFamily.COMMUNICATION and op.skew > SKEWED,
                f"{op.op} is {op.share:.0%} of operator time but its calls are skewed (mean/median {op.skew:.1f}): it "
                f"waits for other ranks; its own cost is nearer {op.settled_share:.0%}.",
            )
            for op in profile.ops
        ),
    )
    return tuple(text for applies, text in notes if applies)
