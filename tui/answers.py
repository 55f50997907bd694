"""What the operator answered, kept over going back, autosaved without secrets and restored. No widget, no network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from core import files
from core.files import FileError
from tui.fields import FormField, compose, flatten

SCHEMA = "poolwright.answers/1"
MAX_BYTES = 4 * 1024 * 1024


class Answers:
    """Answers of one wizard: the spec's data beyond the forms (`base`), the forms' inputs (`flat`), accepted ids."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        self.base: dict[str, Any] = deepcopy(dict(data or {}))
        self.flat: dict[str, str] = {}
        self.fields: tuple[FormField, ...] = ()
        self.touched: set[str] = (
            set()
        )  # paths the operator changed or left: only these show what is missing in red
        self.accepted: list[str] = []
        self.revision = 0  # raised by every change of what the spec's data is made from
        self._made: tuple[int, dict[str, Any]] | None = None

    def use_fields(self, fields: Sequence[FormField]) -> None:
        """Know the forms; answers given before stay."""
        self.fields = tuple(fields)
        self.flat = {**flatten(self.base, self.fields), **self.flat}
        self.revision += 1

    def set(self, path: str, value: str) -> bool:
        """One answer; True when it is another one than before."""
        if self.flat.get(path) == value:
            return False
        self.flat[path] = value
        self.touched.add(path)
        self.revision += 1
        return True

    @property
    def data(self) -> dict[str, Any]:
        """The spec's data as answered so far, for Service.parse; made once per revision, not to be changed."""
        if self._made is None or self._made[0] != self.revision:
            self._made = (self.revision, compose(self.base, self.flat, self.fields))
        return self._made[1]

    @property
    def servers(self) -> list[str]:
        """Names of the servers, in order."""
        listed = self.base.get("servers") or []
        return [str(each.get("address", "")) if isinstance(each, Mapping) else str(each) for each in listed]

    def set_servers(self, names: Sequence[str]) -> None:
        """The list of servers; what was known of a server (comment, tunnels, pins) stays with its name."""
        known = {
            str(each["address"]): dict(each)
            for each in self.base.get("servers") or []
            if isinstance(each, Mapping) and "address" in each
        }
        self.base["servers"] = [known.get(name, {"address": name}) for name in dict.fromkeys(names)]
        self.revision += 1

    def add_waiver(self, waiver: Mapping[str, str]) -> None:
        """Put a waiver into the spec; one for the same check and target is replaced."""
        key = (waiver["check"], waiver["target"])
        old = [
            each for each in self.base.get("waivers") or [] if (each.get("check"), each.get("target")) != key
        ]
        self.base["waivers"] = [*old, dict(waiver)]
        self.revision += 1

    # -- autosave

    def to_json(self) -> str:
        """Everything but secrets (which never come here) as JSON."""
        kept = {"schema": SCHEMA, "base": self.base, "flat": self.flat, "accepted": self.accepted}
        return json.dumps(kept, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> Answers:
        """Answers that were saved; ValueError when the text is something else."""
        kept = json.loads(text)
        if not isinstance(kept, dict) or kept.get("schema") != SCHEMA:
            raise ValueError("not saved answers of this version")
        base, flat, accepted = kept.get("base"), kept.get("flat"), kept.get("accepted")
        if not isinstance(base, dict) or not isinstance(flat, dict) or not isinstance(accepted, list):
            raise ValueError("saved answers are damaged")
        made = cls(base)
        made.flat = {str(path): str(value) for path, value in flat.items()}
        made.accepted = [str(each) for each in accepted]
        return made

    def save(self, path: Path) -> None:
        """Write the answers, mode 0600, atomically; an OSError is the caller's to tell."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}.new")
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.to_json())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    @classmethod
    def restore(cls, path: Path) -> Answers | None:
        """The saved answers, None when there are none or they cannot be read."""
        try:
            return cls.from_json(files.read_text(path, MAX_BYTES))
        except (FileError, ValueError, AttributeError, TypeError, RecursionError):
            return None
