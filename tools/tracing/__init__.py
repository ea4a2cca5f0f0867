"""Exports a run as a trace: one model of spans, sent to LangSmith and to OpenTelemetry.

Except for ``silence`` and ``target``, nothing in here is imported unless a trace was asked for.
"""
