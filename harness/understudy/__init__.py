# SPDX-License-Identifier: Apache-2.0
"""The understudy laboratory: builds, runs, breaks and observes the virtual machine monitor."""
