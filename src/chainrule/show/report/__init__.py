"""The report: one self-contained page about a trained model."""

from chainrule.show.report.build import report_html, write_report

__all__ = ["report_html", "write_report"]
