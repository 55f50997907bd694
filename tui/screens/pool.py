"""Pool: what the pool shall be."""

from __future__ import annotations

from tui.screens.form_step import FormStep


class PoolScreen(FormStep):
    """Form of the pool."""

    step_id = "pool"
