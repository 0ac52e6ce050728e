# SPDX-License-Identifier: Apache-2.0
"""Boards and systems: the model, and reading it from TOML."""
