"""The statistics behind every verdict, each rule in a file of its own.

Everything except ``simulate`` is pure Python, so that an audit starts without loading numpy or scipy.
"""
