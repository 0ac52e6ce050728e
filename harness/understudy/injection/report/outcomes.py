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
    hatch: str = ""  # lines of its pattern, an SVG path in a square of 8; '': plain


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
        "M1 2h2M5 6h2",
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
        "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    ),
    Outcome.VMM_FAULT: Style(
        "stopped",
        "The VMM found itself damaged and stopped the system, as designed.",
        "#0072b2",
        "#3d9be0",
        "M-4.5 -4.5h9v9h-9z",
        "M0 2h8M0 6h8",
    ),
    Outcome.HANG: Style(
        "hang",
        "Not caught: a VM or the whole system does no more work, and nothing noticed.",
        "#cc79a7",
        "#e08fbd",
        "M-5 -5h3.5v10h-3.5zM1.5 -5h3.5v10h-3.5z",
        "M2 0v8M6 0v8",
    ),
    Outcome.SDC: Style(
        "sdc",
        "Silent data corruption, not caught: an output is wrong, and nothing noticed.",
        "#d55e00",
        "#f07a2a",
        "M0 -6.5L6.5 0L0 6.5L-6.5 0z",
        "M-2 6L2 10M0 0L8 8M6 -2L10 2",
    ),
    Outcome.PROPAGATED: Style(
        "propagated",
        "Not caught: the output or the memory of another VM changed. The worst.",
        "#000000",
        "#ffffff",
        "M-6 -3.5L-3.5 -6L0 -2.5L3.5 -6L6 -3.5L2.5 0L6 3.5L3.5 6L0 2.5L-3.5 6L-6 3.5L-2.5 0z",
        "M0 0L8 8M0 8L8 0",
    ),
    Outcome.QEMU_ABORTED: Style(
        "aborted",
        "The emulator gave up: what real hardware would do is not known.",
        "#f0e442",
        "#d6cb2f",
        "M-1.8 -5.5h3.6v3.7h3.7v3.6h-3.7v3.7h-3.6v-3.7h-3.7v-3.6h3.7z",
        "M2 2h1M6 6h1",
    ),
    Outcome.NOT_APPLIED: Style(
        "absent",
        "The fault was not applied: no experiment, and not counted in any share.",
        "#8d96a0",
        "#8d96a0",
        "M-5 -1.2h10v2.4h-10z",
        "M0 8L8 0",
    ),
}
"""From harmless to worst, then those that say nothing."""

HARMLESS = (Outcome.MASKED, Outcome.LATENT)
HANDLED = (Outcome.RECOVERED, Outcome.DEGRADED, Outcome.VMM_FAULT)
ESCAPED = (Outcome.HANG, Outcome.SDC, Outcome.PROPAGATED)
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
    """Return the style sheet's rules: class `f-KEY` fills with pattern, `c-KEY` with the colour alone."""
    return "\n".join(
        f".c-{style.key} {{ fill: var(--{style.key}); }} "
        f".f-{style.key} {{ fill: {f'url(#p-{style.key})' if style.hatch else f'var(--{style.key})'}; }}"
        for style in STYLES.values()
    )


def definitions() -> str:
    """Return the SVG, of no size, that holds the patterns and the shapes of all figures."""
    parts = []
    for style in STYLES.values():
        if style.hatch:
            parts.append(
                f'<pattern id="p-{style.key}" width="8" height="8" patternUnits="userSpaceOnUse">'
                f'<rect width="8" height="8" class="c-{style.key}"/><path d="{style.hatch}" class="hatch"/></pattern>'
            )
        parts.append(
            f'<symbol id="s-{style.key}" viewBox="-8 -8 16 16">'
            f'<path d="{style.shape}" fill-rule="evenodd" class="c-{style.key} shape"/></symbol>'
        )
    return f'<svg width="0" height="0" class="definitions" aria-hidden="true"><defs>{"".join(parts)}</defs></svg>'
