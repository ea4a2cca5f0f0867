"""Attestations: what is signed, with which key, in which envelope. Importing this package loads no cryptography.

``statement`` says what is signed (in-toto), ``envelope`` how (DSSE), ``signing_key`` and ``public_key`` with what.
"""
