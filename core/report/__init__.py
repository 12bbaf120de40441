"""Reports: a finding as one HTML file that opens without Sparsight, a network or a server."""

from core.report.document import Report
from core.report.render import to_html
from core.report.sweeps import of_sweep

__all__ = ["Report", "of_sweep", "to_html"]
