"""Colours and the state table. The only file with hex colours; knows no screen, imports Textual only when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.theme import Theme

STYLES = ("good", "notice", "warn", "bad", "busy", "muted")


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown: a glyph, its ASCII twin, a word, and the name of a style. Colour comes last."""

    glyph: str
    ascii: str
    word: str
    style: str


_TABLE: tuple[tuple[str, str, str, str, str], ...] = (
    # verdicts of checks
    ("pass", "✓", "+", "pass", "good"),
    ("info", "i", "i", "info", "notice"),
    ("warn", "!", "!", "warn", "warn"),
    ("fail", "✗", "x", "fail", "bad"),
    ("unknown", "?", "?", "unknown", "warn"),
    ("blocked", "⊘", "#", "blocked", "muted"),
    ("waived", "~", "~", "waived", "notice"),
    ("not_applicable", "-", "-", "n/a", "muted"),
    # planes
    ("ok", "✓", "+", "ok", "good"),
    ("not_asked", "·", ".", "not asked", "muted"),
    ("unreachable", "≠", "/", "no reach", "bad"),
    ("untrusted", "?", "?", "untrusted", "warn"),
    ("old_crypto", "!", "!", "old crypto", "warn"),
    ("broken", "%", "%", "broken", "bad"),
    # identities
    ("known", "✓", "+", "known", "good"),
    ("new", "?", "?", "new", "warn"),
    ("changed", "✗", "X", "CHANGED", "bad"),
    # steps and runs
    ("waiting", "·", ".", "waiting", "muted"),
    ("doing", "▸", ">", "doing", "busy"),
    ("done", "✓", "+", "done", "good"),
    ("adopted", "=", "=", "adopted", "good"),
    ("failed", "✗", "x", "failed", "bad"),
    ("skipped", "-", "-", "skipped", "muted"),
    ("undoing", "◂", "<", "undoing", "busy"),
    ("undone", "↶", "u", "undone", "notice"),
    ("undo_failed", "✗", "X", "undo failed", "bad"),
    ("created_run", "·", ".", "written", "muted"),
    ("running", "▸", ">", "running", "busy"),
    ("paused", "‖", "=", "paused", "warn"),
    ("rolling_back", "◂", "<", "rolling back", "busy"),
    ("interrupted", "!", "!", "interrupted", "warn"),
    ("damaged", "✗", "X", "damaged", "bad"),
    # outcomes
    ("created", "✓", "+", "created", "good"),
    ("created_unverified", "?", "?", "Created, not verified", "warn"),
    ("cleaned", "✓", "+", "cleaned up", "good"),
    ("rolled_back", "↶", "u", "rolled back", "notice"),
    ("refused", "✗", "x", "refused", "bad"),
    ("needs_human", "✗", "X", "needs a human", "bad"),
    # compatibility of two servers
    ("self", "■", "=", "itself", "muted"),
    ("allowed", "✓", "+", "yes", "good"),
    ("allowed-with-risk", "!", "!", "risk", "warn"),
    ("fails", "≠", "/", "fails", "bad"),
    # steps of the wizard
    ("here", "●", "*", "here", "busy"),
    ("complete", "✓", "+", "complete", "good"),
    ("open", "○", "o", "open", "muted"),
    ("checking", "▸", ">", "checking", "busy"),
    ("superseded", "·", ".", "Out of date", "muted"),
    ("stale", "·", ".", "stale", "muted"),
)
STATES: Mapping[str, Look] = {state: Look(*rest) for state, *rest in _TABLE}

SURVIVES: Mapping[bool | None, str] = {
    True: "a run outlives logout",
    False: "a run ENDS at logout",
    None: "logout may end a run",
}

# worst first; what is not named here never outranks what is
RANK = ("fail", "changed", "unknown", "blocked", "warn", "waived", "info", "pass", "not_applicable")


def look(state: str) -> Look:
    """The look of a state; a state nobody thought of is shown by its own word, muted, never as good."""
    return STATES.get(state) or Look("?", "?", state.replace("_", " ")[:16] or "?", "muted")


def rank(state: str) -> int:
    """Order for 'worst first': 0 is worst."""
    return RANK.index(state) if state in RANK else len(RANK)


# foreground of each style per theme; at least 4.5:1 on background, surface and panel (tested)
DARK: Mapping[str, str] = {
    "good": "#7fd88f", "notice": "#8ab8ff", "warn": "#f2c14e", "bad": "#ff8f85", "busy": "#6fd3e3", "muted": "#a6b0bb",
    "foreground": "#e6e9ec", "background": "#11161b", "surface": "#171d24", "panel": "#212932",
    "primary": "#7fb2ff", "selected": "#2c5d99", "on-selected": "#ffffff",
}  # fmt: skip
LIGHT: Mapping[str, str] = {
    "good": "#17602a", "notice": "#184a96", "warn": "#704300", "bad": "#a3161a", "busy": "#08545f", "muted": "#4a525b",
    "foreground": "#181c20", "background": "#fbfaf7", "surface": "#f2f0ea", "panel": "#e7e4db",
    "primary": "#184a96", "selected": "#1d55a8", "on-selected": "#ffffff",
}  # fmt: skip
ANSI: Mapping[str, str] = {
    "good": "ansi_green", "notice": "ansi_cyan", "warn": "ansi_yellow", "bad": "ansi_bright_red",
    "busy": "ansi_bright_cyan", "muted": "ansi_default", "foreground": "ansi_default", "background": "ansi_default",
    "surface": "ansi_default", "panel": "ansi_default", "primary": "ansi_cyan", "selected": "ansi_blue",
    "on-selected": "ansi_bright_white",
}  # fmt: skip
PALETTES: Mapping[str, Mapping[str, str]] = {
    "poolwright-dark": DARK, "poolwright-light": LIGHT, "poolwright-ansi": ANSI,
}  # fmt: skip
DEFAULT = "poolwright-dark"

# mono: what remains of a style without colour
MONO: Mapping[str, str] = {
    "good": "", "notice": "", "warn": "bold", "bad": "bold reverse", "busy": "underline", "muted": "dim",
}  # fmt: skip


def variables(palette: Mapping[str, str]) -> dict[str, str]:
    """Theme variables: our styles as $pw-*, and Textual's own where its defaults would be too faint."""
    made = {f"pw-{name}": value for name, value in palette.items()}
    native = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if palette is ANSI else {}
    return {
        **made,
        **native,
        "block-cursor-background": palette["selected"],
        "block-cursor-foreground": palette["on-selected"],
        "block-cursor-blurred-background": palette["panel"],
        "block-cursor-blurred-foreground": palette["foreground"],
        "input-selection-background": palette["selected"],
        "input-cursor-background": palette["foreground"] if "#" in palette["foreground"] else "ansi_white",
        "input-cursor-foreground": palette["background"] if "#" in palette["background"] else "ansi_black",
        "footer-background": palette["panel"],
        "footer-item-background": palette["panel"],
        "footer-key-background": palette["panel"],
        "footer-description-background": palette["panel"],
        "footer-foreground": palette["foreground"],
        "footer-key-foreground": palette["warn"],
        "footer-description-foreground": palette["foreground"],
        "border": palette["primary"],
        "border-blurred": palette["muted"],
    }


def themes() -> list[Theme]:
    """Our themes for Textual: dark, light, and one for 16 colours."""
    from textual.theme import Theme

    return [
        Theme(
            name=name,
            primary=palette["primary"],
            secondary=palette["notice"],
            warning=palette["warn"],
            error=palette["bad"],
            success=palette["good"],
            accent=palette["busy"],
            foreground=palette["foreground"],
            background=palette["background"],
            surface=palette["surface"],
            panel=palette["panel"],
            boost=palette["panel"],
            dark=name != "poolwright-light",
            ansi=palette is ANSI,
            variables=variables(palette),
        )
        for name, palette in PALETTES.items()
    ]


def rich_style(style: str, theme: str, *, mono: bool = False) -> str:
    """The style as Rich reads it, for table cells; muted and good stand apart from bad without colour too."""
    if mono:
        return MONO.get(style, "")
    value = PALETTES.get(theme, DARK).get(style, "")
    return value.removeprefix("ansi_").replace("default", "") if value.startswith("ansi_") else value
