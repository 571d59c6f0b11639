"""The command `python -m dev.demo`: what it says where it cannot do its job, and the account that it serves."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from dev.demo import demonstration
from dev.demo.__main__ import main
from dev.emulator.deployment import PROJECT, DeploymentError
from dev.emulator.events import RULE_NAME

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


class TestServedAccount:
    """`python -m dev.demo --keep`, as `make serve` runs it, and what another terminal sees of its account."""

    @pytest.fixture(scope="class")
    @staticmethod
    def serving() -> Iterator[subprocess.Popen[str]]:
        """The command, which waits for Ctrl-C or is about to."""
        command = [*COMMAND, "--keep"]
        with subprocess.Popen(  # noqa: S603 - this interpreter on a module of this project
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process
            process.kill()

    @pytest.fixture(scope="class")
    @staticmethod
    def printed(serving: subprocess.Popen[str]) -> list[str]:
        """What it printed until it was ready."""
        assert serving.stdout is not None
        lines: list[str] = []
        for line in serving.stdout:
            lines.append(line.rstrip("\n"))
            if "Ctrl-C" in line:
                break
        return lines

    @pytest.fixture(scope="class")
    @staticmethod
    def environment(printed: list[str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
        """The environment of another terminal into which the lines were pasted."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        exported = [shlex.split(line)[1:] for line in printed if line.startswith("export ")]
        assert len(exported) == 2
        pasted = dict(assignment.split("=", 1) for line in exported for assignment in line)
        return {**plain, "HOME": str(tmp_path_factory.mktemp("home")), **pasted}

    @staticmethod
    def kms_rule(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kms_rule", *arguments]
        return subprocess.run(  # noqa: S603 - likewise
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def test_says_what_aws_config_holds(self, printed: list[str]) -> None:
        assert "3. AWS Config has evaluated the rule: 7 COMPLIANT  5 NON_COMPLIANT" in printed

    def test_is_scanned(self, environment: Mapping[str, str]) -> None:
        ended = self.kms_rule(environment, "scan")
        assert ended.returncode == 1, ended.stderr
        assert re.search(r"^7 COMPLIANT  5 NON_COMPLIANT\b", ended.stdout, re.MULTILINE)
        assert "alias/SecurityOtterCMK" in ended.stdout

    def test_holds_the_results_of_the_deployed_rule(self, environment: Mapping[str, str]) -> None:
        ended = self.kms_rule(environment, "report", "--rule", RULE_NAME)
        assert ended.returncode == 1, ended.stderr
        assert re.search(r"^7 COMPLIANT  5 NON_COMPLIANT$", ended.stdout, re.MULTILINE)

    def test_ends_with_ctrl_c(self, serving: subprocess.Popen[str], environment: Mapping[str, str]) -> None:
        assert environment
        serving.send_signal(signal.SIGINT)
        output, errors = serving.communicate(timeout=60)
        assert (serving.returncode, output, errors) == (0, "The emulated account is gone.\n", "")
