"""Attestations: signed statements about verdicts and bundles. Importing this package loads no cryptography.

``statement`` defines what is signed (in-toto), ``envelope`` the format (DSSE), ``signing_key`` and ``public_key`` the
keys.
"""
