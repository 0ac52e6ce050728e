# SPDX-License-Identifier: Apache-2.0
"""Colours and type of all pages, and the style sheet that makes them follow a dark page."""

from collections.abc import Mapping

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

# name: (light page, dark page)
COLOURS = {
    "page": ("#ffffff", "#0d1117"),
    "text": ("#1f2328", "#e6edf3"),
    "soft": ("#57606a", "#aab2bc"),
    "grid": ("#dfe3e8", "#2a313a"),
    "link": ("#0072b2", "#4aa8e8"),
    "good": ("#3a8576", "#6cc9b5"),
    "bad": ("#c62828", "#ff7b72"),
}


def variables(colours: Mapping[str, tuple[str, str]]) -> str:
    """Return the rules that define each colour as a variable, light or dark; print is light."""
    light = " ".join(f"--{name}: {pair[0]};" for name, pair in colours.items())
    dark = " ".join(f"--{name}: {pair[1]};" for name, pair in colours.items())
    return "\n".join(
        [
            f":root {{ color-scheme: light dark; {light} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}",
            f"@media print {{ :root {{ color-scheme: light; {light} }} }}",
        ]
    )
