# SPDX-License-Identifier: Apache-2.0
"""What is measured: systems, and which of the visits to the VMM in them count."""
