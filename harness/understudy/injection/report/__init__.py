# SPDX-License-Identifier: Apache-2.0
"""The report of a campaign: one HTML page, for people who would rather look than read."""

from understudy.injection.report.data import CampaignData
from understudy.injection.report.page import write_report
from understudy.injection.report.stored import elves, stored

__all__ = ["CampaignData", "elves", "stored", "write_report"]
