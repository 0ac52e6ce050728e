# SPDX-License-Identifier: Apache-2.0
"""What all tests share. The fixtures that boot machines come from the plugin `understudy.pytest_plugin`."""

from hypothesis import settings

pytest_plugins = ("pytester",)  # to test our own plugin with

# The same examples in every run, and no deadline in real time: machines are shared and slow at times.
settings.register_profile("understudy", deadline=None, derandomize=True)
settings.load_profile("understudy")
