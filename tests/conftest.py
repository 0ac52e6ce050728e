# SPDX-License-Identifier: Apache-2.0
"""What all tests share. The fixtures that boot machines come from the plugin `understudy.pytest_plugin`."""
