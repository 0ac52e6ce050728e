# SPDX-License-Identifier: Apache-2.0
"""How outcomes are told apart: by name, colour (after Okabe and Ito), pattern and shape, never by colour alone."""

from attrs import frozen

from understudy.injection.experiment import Outcome


@frozen
class Style:
    """One outcome. `key` names its colour, its pattern and its classes; `shape` is an SVG path around (0, 0)."""

    key: str
    meaning: str
    light: str
    dark: str
    shape: str
    hatch: str = ""  # the lines of its pattern: / \\ - | x or . for dots; '': plain


STYLES = {
    Outcome.MASKED: Style(
        "masked",
        "No effect: outputs and state at the end are those of the golden run.",
        "#c5ccd4",
        "#4b5560",
        "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    ),
    Outcome.LATENT: Style(
        "latent",
        "The outputs are right, but the state at the end differs: it may still strike.",
        "#56b4e9",
        "#56b4e9",
        "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0zM-2 0a2 2 0 1 1 4 0a2 2 0 1 1 -4 0z",
        ".",
    ),
    Outcome.RECOVERED: Style(
        "recovered",
        "Noticed and mended: the outputs are right, save for what a rollback may repeat.",
        "#009e73",
        "#1fb58a",
        "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    ),
    Outcome.DEGRADED: Style(
        "degraded",
        "A VM was stopped or started anew by its policy; the others go on.",
        "#e69f00",
        "#f0b429",
        "M-5.5 -4h11L0 5.5z",
        "/",
    ),
    Outcome.VMM_FAULT: Style(
        "stopped",
        "The VMM found itself damaged and stopped the system, as designed.",
        "#0072b2",
        "#3d9be0",
        "M-4.5 -4.5h9v9h-9z",
        "-",
    ),
    Outcome.HANG: Style(
        "hang",
        "Not caught: a VM or the whole system does no more work, and nothing noticed.",
        "#cc79a7",
        "#e08fbd",
        "M-5 -5h3.5v10h-3.5zM1.5 -5h3.5v10h-3.5z",
        "|",
    ),
    Outcome.SDC: Style(
        "sdc",
        "Silent data corruption, not caught: an output is wrong, and nothing noticed.",
        "#d55e00",
        "#f07a2a",
        "M0 -6.5L6.5 0L0 6.5L-6.5 0z",
        "\\",
    ),
    Outcome.PROPAGATED: Style(
        "propagated",
        "Not caught: the output or the memory of another VM changed. The worst.",
        "#000000",
        "#ffffff",
        "M-6 -3.5L-3.5 -6L0 -2.5L3.5 -6L6 -3.5L2.5 0L6 3.5L3.5 6L0 2.5L-3.5 6L-6 3.5L-2.5 0z",
        "x",
    ),
    Outcome.QEMU_ABORTED: Style(
        "aborted",
        "The emulator gave up: what real hardware would do is not known.",
        "#f0e442",
        "#d6cb2f",
        "M-1.8 -5.5h3.6v3.7h3.7v3.6h-3.7v3.7h-3.6v-3.7h-3.7v-3.6h3.7z",
        ".",
    ),
    Outcome.NOT_APPLIED: Style(
        "absent",
        "The fault was not applied: no experiment, and not counted in any share.",
        "#8d96a0",
        "#8d96a0",
        "M-5 -1.2h10v2.4h-10z",
        "/",
    ),
}
"""From harmless to worst, then those that say nothing."""

SIZES = {"cell": (24, 24), "column": (24, 344), "bar": (1040, 48)}
"""What the patterns cover; the smaller, the less a printed page has to hold."""

HARMLESS = (Outcome.MASKED, Outcome.LATENT)
HANDLED = (Outcome.RECOVERED, Outcome.DEGRADED, Outcome.VMM_FAULT)
EFFECTIVE = tuple(outcome for outcome in STYLES if outcome not in (Outcome.MASKED, Outcome.NOT_APPLIED))
"""All that were applied and not masked."""

WORST_FIRST = (
    Outcome.PROPAGATED,
    Outcome.SDC,
    Outcome.HANG,
    Outcome.VMM_FAULT,
    Outcome.DEGRADED,
    Outcome.QEMU_ABORTED,
    Outcome.RECOVERED,
    Outcome.LATENT,
    Outcome.MASKED,
    Outcome.NOT_APPLIED,
)
SEVERITY = {outcome: len(WORST_FIRST) - rank for rank, outcome in enumerate(WORST_FIRST)}


def colours() -> dict[str, tuple[str, str]]:
    """Return the colours of the outcomes as (light page, dark page) by their key."""
    return {style.key: (style.light, style.dark) for style in STYLES.values()}


def rules() -> str:
    """Return the style sheet's rules: class `c-KEY` fills with the colour."""
    return "\n".join(f".c-{style.key} {{ fill: var(--{style.key}); }}" for style in STYLES.values())


def definitions() -> str:
    """Return the SVG, of no size, that holds the shapes of all figures, and the lines of the patterns.

    Patterns are lines that lie over a rectangle and are clipped to it: printing makes large bitmaps of SVG's patterns.
    """
    parts = []
    for style in STYLES.values():
        if style.hatch:
            parts += [
                f'<path id="{kind}-{style.key}" d="{_lines(style.hatch, *size)}" class="hatch{_dots(style)}"/>'
                for kind, size in SIZES.items()
            ]
        parts.append(
            f'<symbol id="s-{style.key}" viewBox="-8 -8 16 16">'
            f'<path d="{style.shape}" fill-rule="evenodd" class="c-{style.key} shape"/></symbol>'
        )
    return f'<svg width="0" height="0" class="definitions" aria-hidden="true"><defs>{"".join(parts)}</defs></svg>'


def _dots(style: Style) -> str:
    return " dots" if style.hatch == "." else ""


def _lines(hatch: str, width: int, height: int) -> str:
    """Return the lines of a pattern that covers this size."""
    rising = "".join(f"M{x} {height}l{height} {-height}" for x in range(-height, width, 6))
    falling = "".join(f"M{x} 0l{height} {height}" for x in range(-height, width, 6))
    return {
        "/": rising,
        "\\": falling,
        "x": rising + falling,
        "-": "".join(f"M0 {y}h{width}" for y in range(2, height, 4)),
        "|": "".join(f"M{x} 0v{height}" for x in range(2, width, 4)),
        ".": "".join(f"M{y // 4 % 2 * 3} {y}h{width}" for y in range(2, height, 4)),
    }[hatch]
