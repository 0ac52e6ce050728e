# SPDX-License-Identifier: Apache-2.0
"""Tests of C code, built for the host."""
