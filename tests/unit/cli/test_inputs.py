"""Secrets as commands gather them: what could not be sent safely is refused before anything is asked of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import main

SPEC = """
platform: oracle_vm
manager: {host: 203.0.113.250}
pool:
  name: NAME
  virtual_ip: 203.0.113.10
  file_system: {kind: nfs, server: nas1, export: /x}
servers: [{address: 203.0.113.11}]
"""


@pytest.mark.parametrize("command", ["check", "plan", "apply", "sweep"])
@pytest.mark.parametrize("secret", ["what?not", "se;mi", 'qu"ote', "back\\slash", "umläut"])
def test_an_agent_password_that_cannot_be_sent_is_bad_input(
    command: str, secret: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, secrets = tmp_path / "spec.yaml", tmp_path / "secrets"
    spec.write_text(SPEC.replace("NAME", "pool1"))
    secrets.write_text(f"manager: any?thing\nagent: {secret}\n")
    secrets.chmod(0o600)
    words = [command, str(spec), "--state-dir", str(tmp_path / "state"), "--password-file", str(secrets)]
    assert main([*words, *(["--yes"] if command == "apply" else [])]) == 2
    said = "".join(capsys.readouterr())
    assert "cannot use the Agent password" in said
    assert secret not in said


@pytest.mark.parametrize("name", ['po"ol', "po?ol", "po;ol", "po/ol", "po`ol"])
def test_a_name_that_cannot_be_typed_is_bad_input(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.replace("NAME", f"'{name}'"))
    assert main(["check", str(spec), "--state-dir", str(tmp_path / "state")]) == 2
    assert "spec.yaml:5" in capsys.readouterr().err


def test_apply_wants_something_to_apply(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply"]) == 2
    assert "nothing to apply" in capsys.readouterr().err
