"""The report of a run: one HTML file that opens anywhere, and the same in a few lines for a terminal."""

from tools.report.collect import collect
from tools.report.html import render
from tools.report.model import ReportModel
from tools.report.summary import summary

__all__ = ["ReportModel", "collect", "render", "summary"]
