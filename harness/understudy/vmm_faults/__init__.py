# SPDX-License-Identifier: Apache-2.0
"""Faults injected into the VMM itself: how often a micro-reboot keeps the VMs (R31)."""
