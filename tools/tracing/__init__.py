"""What a run tells a trace viewer: one model of spans, and a way to LangSmith and to OpenTelemetry.

But for ``silence`` and ``target`` nothing in here is imported unless a trace was asked for.
"""
