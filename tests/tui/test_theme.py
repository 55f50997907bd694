"""States are told apart without colour, and colours can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cpu.compat import CellVerdict
from core.models.events import Outcome, RunState, StepState
from core.models.facts import PlaneState
from core.models.results import Verdict
from core.transports.trust import TrustState
from tui import theme

GROUNDS = ("background", "surface", "panel")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.1)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("style", [*theme.STYLES, "foreground", "primary"])
def test_text_can_be_read_on_every_ground(palette: dict[str, str], style: str) -> None:
    for ground in GROUNDS:
        assert contrast(palette[style], palette[ground]) >= 4.5
    assert contrast(palette["on-selected"], palette["selected"]) >= 4.5


@pytest.mark.parametrize(
    "kind",
    [Verdict, PlaneState, StepState, RunState, Outcome, TrustState, CellVerdict],
    ids=lambda kind: kind.__name__,
)
def test_every_state_of_the_core_has_its_own_look(kind: type) -> None:
    looks = {state.value: theme.STATES[state.value] for state in kind}  # type: ignore[attr-defined]
    assert len({look.word for look in looks.values()}) == len(looks)
    for look in looks.values():
        assert look.style in theme.STYLES
        assert look.ascii.isascii()
        assert len(look.glyph) == 1


def test_only_what_was_looked_at_and_is_good_looks_good() -> None:
    for state in (
        "unknown",
        "blocked",
        "waived",
        "warn",
        "not_applicable",
        "skipped",
        "stale",
        "something new",
    ):
        assert theme.look(state).style != "good"


def test_worst_comes_first() -> None:
    order = sorted(Verdict, key=lambda verdict: theme.rank(verdict.value))
    assert order[0] is Verdict.FAIL
    assert theme.rank("unknown") < theme.rank("warn") < theme.rank("pass")
    assert theme.rank("never heard of") > theme.rank("pass")


@given(st.text(max_size=40))
def test_any_state_word_has_a_look(state: str) -> None:
    assert theme.look(state).word


def test_without_colour_bad_is_marked_and_muted_is_not() -> None:
    assert theme.rich_style("bad", theme.DEFAULT, mono=True) == "bold reverse"
    assert theme.rich_style("good", theme.DEFAULT, mono=True) == ""
    assert theme.rich_style("good", "poolwright-ansi") == "green"
    assert theme.rich_style("muted", "poolwright-ansi") == ""


def test_every_state_is_told_apart_without_colour() -> None:
    """A word of its own for each, also on a serial console; no word differs by colour or case alone."""
    words = [look.word.lower() for look in theme.STATES.values()]
    assert len(set(words)) == len(words)
    for look in theme.STATES.values():
        assert theme.rich_style(look.style, theme.DEFAULT, mono=True) in theme.MONO.values()


@pytest.mark.parametrize(
    "states",
    [
        [*(verdict.value for verdict in CellVerdict), "self", "skipped"],  # a narrow heat map
        [state.value for state in PlaneState],  # the planes of a server's row
        ["here", "complete", "open"],  # the stepper
    ],
    ids=["matrix", "planes", "stepper"],
)
def test_states_shown_by_their_glyph_alone_differ_by_it(states: list[str]) -> None:
    looks = [theme.look(state) for state in states]
    assert len({look.glyph for look in looks}) == len(states)
    assert len({look.ascii for look in looks}) == len(states)
