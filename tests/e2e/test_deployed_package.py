"""What `rdk deploy` uploaded is what runs: in AWS's own runtime client, with nothing of this environment in reach."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.demo.demonstration import create_key
from dev.demo.example_keys import EXAMPLE_KEYS
from dev.emulator.account import EmulatedAccount
from dev.emulator.deployment import (
    PROJECT,
    ConfigService,
    copy_rule,
    create_code_bucket,
    deployed_function,
    package_of,
    rdk,
)
from dev.emulator.events import RULE_NAME, now, rule_event, scheduled_notification
from dev.emulator.lambda_runtime import DeployedFunction, InvocationError, RunningFunction, running
from kms_rule import RULE_FOLDER, rule_modules
from tests.e2e import probe
from tests.e2e.commands import DEPLOY

GIT = shutil.which("git")
FILES = sorted([*(path.as_posix() for path in rule_modules()), "AWSConfigRuleKMS_test.py", "parameters.json"])
SENTENCE = "statement does have open KMS permissions"
CHANGED_SENTENCE = "statement does open every door"
ALIAS = "alias/default-policy"
# What runs these tests, and the modules of the rule and of the project, beside those that a function of Lambda has.
HOST_MODULES = [
    *("moto", "rich", "pytest", "rdk", "yaml", "kms_rule"),
    *("AWSConfigRuleKMS", "AWSConfigRuleKMSPolicy", "least_privilege"),
]
LAMBDA_MODULES = ["boto3", "botocore", "awslambdaric", "json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rule's folder in which one sentence is another."""
    copied = copy_rule(tmp_path_factory.mktemp("package"))
    module = copied / "least_privilege" / "scenarios.py"
    text = module.read_text(encoding="utf-8")
    assert SENTENCE in text
    module.write_text(text.replace(SENTENCE, CHANGED_SENTENCE), encoding="utf-8")
    return copied


@pytest.fixture(scope="module")
def deployed(shared_account: EmulatedAccount, folder: Path) -> EmulatedAccount:
    """An account with one key, to which that copy was deployed."""
    create_code_bucket(shared_account)
    result = rdk(*DEPLOY, folder=folder.parent)
    assert result.returncode == 0, result.stdout + result.stderr
    create_key(next(key for key in EXAMPLE_KEYS if ALIAS in key.aliases))
    return shared_account


@pytest.fixture(scope="module")
def function(deployed: EmulatedAccount) -> Iterator[RunningFunction]:
    """The deployed function, waiting for events."""
    with deployed_function(deployed) as waiting:
        yield waiting


@pytest.fixture(scope="module")
def results(deployed: EmulatedAccount, function: RunningFunction) -> list[dict[str, str]]:
    """What AWS Config holds after a re-evaluation."""
    config = ConfigService(deployed, function)
    boto3.client("config").start_config_rules_evaluation(ConfigRuleNames=[RULE_NAME])
    return config.results()


@pytest.fixture
def probing(tmp_path: Path) -> Path:
    """The folder of a function that has nothing but the probe."""
    shutil.copy(str(probe.__file__), tmp_path)
    return tmp_path


def function_of(folder: Path, handler: str) -> DeployedFunction:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:probe"
    return DeployedFunction(folder, handler, arn, memory_megabytes=256, timeout_seconds=60)


def test_rdk_uploads_the_files_of_the_folder_and_no_other(deployed: EmulatedAccount, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package_of(deployed))) as package:
        assert sorted(package.namelist()) == sorted([*FILES, "least_privilege/"])
        for name in FILES:
            assert package.read(name) == (folder / name).read_bytes()


def test_no_file_of_the_package_names_this_machine(deployed: EmulatedAccount) -> None:
    with zipfile.ZipFile(io.BytesIO(package_of(deployed))) as package:
        content = b"".join(map(package.read, package.namelist()))
    assert b"lambda_handler" in content
    assert str(PROJECT).encode() not in content


def test_results_have_the_sentence_of_the_copy_that_was_deployed(results: list[dict[str, str]]) -> None:
    (result,) = results
    assert (result["ComplianceResourceId"], result["ComplianceType"]) == (ALIAS, "NON_COMPLIANT")
    assert result["Annotation"].startswith(f"in Key Policy for {ALIAS}, {CHANGED_SENTENCE} and CMK is not whitelisted")


def test_the_log_has_the_annotation_of_every_result(results: list[dict[str, str]], function: RunningFunction) -> None:
    (result,) = results
    lines = [line for line in function.log.splitlines() if line.endswith(f"\t{result['Annotation']}")]
    assert {line.partition("\t")[0] for line in lines} == {"[INFO]"}


def test_the_answer_to_an_event_is_json(function: RunningFunction) -> None:
    time = now()
    (evaluation,) = json.loads(json.dumps(function.invoke(rule_event(scheduled_notification(time)))))
    assert evaluation.pop("Annotation").startswith("in Key Policy for alias/default-policy, ")
    assert evaluation == {
        "ComplianceResourceType": "AWS::KMS::Key",
        "ComplianceResourceId": ALIAS,
        "ComplianceType": "NON_COMPLIANT",
        "OrderingTimestamp": time,
    }


def test_a_raised_error_is_the_function_s_answer_and_one_sentence_in_its_log(function: RunningFunction) -> None:
    sentence = 'The rule parameter Admin_User_Id is "": give at least one user id pattern, such as AROAOTTER*.'
    with pytest.raises(InvocationError) as raised:
        function.invoke(rule_event(scheduled_notification(now()), {"CMK_Whitelist": "Otter*", "Admin_User_Id": ""}))
    assert str(raised.value) == f"RuleError: {sentence}"
    assert len([line for line in function.log.splitlines() if line.endswith(f"\t{sentence}")]) == 1


def test_the_function_answers_after_an_error(function: RunningFunction) -> None:
    with pytest.raises(InvocationError, match="RuleError: The event is"):
        function.invoke("no event")
    assert function.invoke(rule_event(scheduled_notification(now())))


@pytest.mark.usefixtures("shared_account")
class TestProcess:
    """The process in which a package runs, shown by another package than the rule's."""

    @pytest.mark.parametrize("event", [None, True, 0.5, "Größe\n", [], {"keys": [{"a": None}]}])
    def test_an_event_arrives_and_an_answer_returns_as_json(self, echo: RunningFunction, event: Any) -> None:
        assert echo.invoke(event) == event

    @pytest.fixture(scope="class")
    @staticmethod
    def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFunction]:
        """A function that answers with the event."""
        folder = tmp_path_factory.mktemp("echo")
        shutil.copy(str(probe.__file__), folder)
        with running(function_of(folder, "probe.answer")) as waiting:
            yield waiting

    def test_can_import_nothing_of_this_environment(self, probing: Path) -> None:
        assert [name for name in HOST_MODULES if importlib.util.find_spec(name) is None] == []
        with running(function_of(probing, "probe.imports")) as waiting:
            answer = waiting.invoke(HOST_MODULES)
        assert answer == {name: f"ModuleNotFoundError: No module named '{name}'" for name in HOST_MODULES}

    def test_can_import_what_lambda_has(self, probing: Path) -> None:
        with running(function_of(probing, "probe.imports")) as waiting:
            assert waiting.invoke(LAMBDA_MODULES) == dict.fromkeys(LAMBDA_MODULES, "imported")

    def test_reaches_the_account(self, probing: Path) -> None:
        with running(function_of(probing, "probe.call_aws")) as waiting:
            assert waiting.invoke({}) == "123456789012"

    def test_an_answer_that_is_no_json_is_an_error(self, probing: Path) -> None:
        with (
            running(function_of(probing, "probe.answer_with_an_object")) as waiting,
            pytest.raises(InvocationError, match=r"^Runtime\.MarshalError: .*object is not JSON serializable"),
        ):
            waiting.invoke({})

    def test_a_process_that_ends_without_an_answer_is_an_error_for_every_event(self, probing: Path) -> None:
        with running(function_of(probing, "probe.end")) as waiting:
            for _ in range(2):
                with pytest.raises(InvocationError, match=r"^Runtime\.ExitError: the function's process ended$"):
                    waiting.invoke({})

    @pytest.mark.parametrize(
        ("left_out", "missing"),
        [
            ("AWSConfigRuleKMSPolicy.py", "AWSConfigRuleKMSPolicy"),
            ("least_privilege", "least_privilege"),
            ("text.py", "least_privilege.text"),
        ],
    )
    def test_a_package_without_one_of_the_rule_s_modules_says_so_for_every_event(
        self, tmp_path: Path, left_out: str, missing: str
    ) -> None:
        ignored = shutil.ignore_patterns("__pycache__", left_out)
        shutil.copytree(RULE_FOLDER, tmp_path, ignore=ignored, dirs_exist_ok=True)
        with running(function_of(tmp_path, "AWSConfigRuleKMS.lambda_handler")) as waiting:
            for _ in range(2):
                with pytest.raises(InvocationError) as raised:
                    waiting.invoke(rule_event(scheduled_notification(now())))
                assert str(raised.value) == (
                    "Runtime.ImportModuleError: Unable to import module 'AWSConfigRuleKMS': "
                    f"No module named '{missing}'"
                )
            assert "Unable to import module 'AWSConfigRuleKMS'" in waiting.log


class TestDemonstration:
    """The command `python -m dev.demo`, as `make demo` runs it."""

    @pytest.fixture(scope="class")
    @staticmethod
    def output() -> str:
        """What the demonstration prints where there is no terminal."""
        plain = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "TTY_COMPATIBLE"}}
        command = [sys.executable, "-m", "dev.demo"]
        result = subprocess.run(command, cwd=PROJECT, env=plain, capture_output=True, text=True, check=False)  # noqa: S603
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    @staticmethod
    def tables(output: str) -> list[dict[str, str]]:
        """Return the compliance of each resource, by its id, in each of the tables."""
        _, first, second = output.split(f"{RULE_NAME}: resources in scope")
        row = re.compile(r"^│ (\S+) +│ AWS::KMS::Key │ (\S+) +│", re.MULTILINE)
        return [dict(row.findall(table)) for table in (first, second)]

    def test_deploys_with_rdk(self, output: str) -> None:
        assert f"rdk deploy {RULE_NAME}: Config deploy complete." in output

    def test_shows_a_row_for_every_alias_that_is_judged(self, output: str) -> None:
        before, after = self.tables(output)
        aliases = {alias for key in EXAMPLE_KEYS if key.enabled for alias in key.aliases}
        assert set(before) == set(after)
        assert set(before) >= aliases
        (without_alias,) = set(before) - aliases
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", without_alias)

    def test_shows_that_the_repaired_key_s_row_changes_and_no_other(self, output: str) -> None:
        before, after = self.tables(output)
        repaired = "alias/SecurityOtterCMK"
        assert (before[repaired], after[repaired]) == ("NON_COMPLIANT", "COMPLIANT")
        assert {**before, repaired: "COMPLIANT"} == after
        assert output.splitlines()[-1] == f"1 of 12 rows changed: {repaired}"

    def test_counts_the_rows_below_each_table(self, output: str) -> None:
        assert re.findall(r"^(\d+) COMPLIANT  (\d+) NON_COMPLIANT$", output, re.MULTILINE) == [("7", "5"), ("8", "4")]


@pytest.mark.skipif(GIT is None or not (PROJECT / ".git").exists(), reason="this is no git checkout")
class TestCommits:
    """RDK leaves the zip that it uploads in the rule's folder, where a commit must not find it."""

    @staticmethod
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        assert GIT is not None
        return subprocess.run(  # noqa: S603 - reads the index of this checkout
            [GIT, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
        )

    def test_git_ignores_the_zip(self) -> None:
        zipped = f"{RULE_NAME}/{RULE_NAME}.zip"
        result = self.git("check-ignore", "--no-index", zipped)
        assert (result.stdout, result.returncode) == (f"{zipped}\n", 0), result.stderr

    def test_git_has_no_zip(self) -> None:
        result = self.git("ls-files", "*.zip")
        assert (result.stdout, result.returncode) == ("", 0), result.stderr
