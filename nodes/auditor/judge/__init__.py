"""The interpretive step: a language model reads sealed evidence and may lower a verdict, with quotes that code checks.

Nothing of the auditor imports this package: the rules judge without it, and start without what it needs.
"""
