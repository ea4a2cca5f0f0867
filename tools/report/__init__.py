"""The report of a run: one HTML file that opens anywhere, and the same in a few lines for a terminal."""

from bankable.tools.report.collect import collect
from bankable.tools.report.html import render
from bankable.tools.report.model import ReportModel
from bankable.tools.report.summary import summary

__all__ = ["ReportModel", "collect", "render", "summary"]
