"""The interpretive step: a language model reads sealed evidence and may lower a verdict, with quotes that code checks.

No other part of the auditor imports this package: the rules run without it and without its dependencies.
"""
