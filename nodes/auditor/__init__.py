"""The independent auditor: reads sealed evidence, re-derives every number, and signs off or withholds.

It imports tools that read and nothing that produces; it runs as a process of its own.
"""
