# SPDX-License-Identifier: Apache-2.0
"""From a validated system to one bootable image and its manifest."""

from understudy.image.builder import Image, build

__all__ = ["Image", "build"]
