# SPDX-License-Identifier: Apache-2.0
"""How long the paths of the VMM are: measured under QEMU, compared with budgets, reported."""
