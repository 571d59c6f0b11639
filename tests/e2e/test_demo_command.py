"""The command `python -m dev.demo`: what it says where it cannot do its job."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dev.demo import demonstration
from dev.demo.__main__ import main
from dev.emulator.deployment import PROJECT, DeploymentError

COMMAND = [sys.executable, "-m", "dev.demo"]


def test_what_is_not_installed_is_one_sentence() -> None:
    code = "import sys; sys.modules['moto.backends'] = None; from dev.demo.__main__ import main; sys.exit(main([]))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603
    sentence = (
        "dev.demo: The demonstration needs moto.backends, which is not installed: run make demo, which installs it.\n"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", sentence)


def test_a_deployment_that_failed_is_told_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise DeploymentError("rdk deploy failed: no bucket")

    monkeypatch.setattr(demonstration, "run_demo", fail)
    assert main([]) == 2
    assert capsys.readouterr() == ("", "dev.demo: rdk deploy failed: no bucket\n")


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "cannot be written (No space left on device): make room there, or"), (">&-", "is closed:")],
)
def test_where_standard_output_cannot_be_written_one_sentence_says_so(redirection: str, reason: str) -> None:
    shell = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND]
    ended = subprocess.run(shell, cwd=PROJECT, stderr=subprocess.PIPE, text=True, check=False, timeout=120)  # noqa: S603
    assert (ended.returncode, ended.stderr) == (2, f"dev.demo: Standard output {reason} direct it elsewhere.\n")
