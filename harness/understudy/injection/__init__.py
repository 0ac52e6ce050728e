# SPDX-License-Identifier: Apache-2.0
"""Fault-injection campaigns: thousands of faults, each applied at an exact instruction and repeatable."""
