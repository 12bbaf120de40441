"""Reports: a finding as one HTML file that opens without Sparsight, a network or a server."""

from core.report.candidates import of_decision
from core.report.document import Report
from core.report.protocols import of_protocol
from core.report.render import to_html
from core.report.sweeps import of_sweep
from core.report.views import of_view

__all__ = ["Report", "of_decision", "of_protocol", "of_sweep", "of_view", "to_html"]
