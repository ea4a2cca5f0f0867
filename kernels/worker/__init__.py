"""Runs under the engine's interpreter, with torch: workers that measure, check and write oracles, one process a job.

Imports the standard library, torch, safetensors and the data of ``kernels``; nothing of the orchestrator's.
"""
