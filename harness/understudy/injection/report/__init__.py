# SPDX-License-Identifier: Apache-2.0
"""The report of a campaign: one HTML page, for people who would rather look than read."""

from understudy.injection.report.data import ReportData
from understudy.injection.report.page import write_report

__all__ = ["ReportData", "write_report"]
