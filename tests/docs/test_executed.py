"""What README.md and the docs show is executed, in order, against an emulated account."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.docs.conftest import BUCKET
from tests.docs.pages import PAGES, Command, commands_of

# moto's CloudFormation leaves out what it does not know, such as alarms, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")
COMMANDS = [command for page in PAGES for command in commands_of(page)]
# The beginnings of commands that are not executed here, each with the reason.
NOT_RUN: Mapping[str, str] = {
    "make demo": "tests/e2e/test_deployed_package.py runs it",
    "make test": "runs this test",
    "make package": "would set up an environment in the copy; tests/deploy/test_sbom.py looks at what it runs",
    "pip install": "needs the package index; tests/command/test_installation.py installs the package in every way",
    "rdk create": "wants an empty folder; tests/e2e/test_rdk_create_and_test_local.py runs it there",
    "terraform -chdir=deploy/terraform/example": (
        "needs Terraform; tests/deploy/test_terraform.py plans the example, and applies and destroys its module"
    ),
    "terraform": "needs Terraform, and a configuration of one's own; tests/command/test_real_terraform.py has both",
    "aws cloudformation deploy --stack-name kms-key-policies --template-file deploy/organization.yaml "
    "--capabilities CAPABILITY_NAMED_IAM --parameter-overrides MemberRoleHere=false": (
        "moto cannot keep the previous value of a list, here ExcludedAccounts"
    ),
    "aws cloudformation deploy --stack-name kms-key-policies-member": (
        "moto keeps a role whose condition no longer holds, here MemberRoleHere; tests/deploy/test_stacks.py makes it"
    ),
    "aws cloudformation activate-organizations-access": "moto does not have it",
    "aws configservice get-organization-config-rule-detailed-status": "moto does not have it",
}
# How those end of which the page says so; all others end with 0.
OTHERWISE: Mapping[str, int] = {
    "kms-rule scan": 1,
    "kms-rule explain --key": 1,
}


def reason_not_to_run(command: Command) -> str | None:
    return next((reason for beginning, reason in NOT_RUN.items() if command.text.startswith(beginning)), None)


EXECUTED = [command for command in COMMANDS if not reason_not_to_run(command)]


@pytest.fixture(scope="module")
def ended(
    terminal: Mapping[str, str], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Command], tuple[int, str]]:
    """Return how a command ended and what it printed; those of its page before it have run in the same shell."""
    ran: dict[str, Path] = {}

    def run(page: str) -> Path:
        results = tmp_path_factory.mktemp("results")
        script = "".join(
            f"{{ {command.text.replace('YOUR-BUCKET', BUCKET)}\n}} >{shlex.quote(str(results))}/{command.number} 2>&1 "
            f"</dev/null; echo $? >{shlex.quote(str(results))}/{command.number}.code\n"
            for command in EXECUTED
            if command.page == page
        )
        subprocess.run(["bash", "-c", script], cwd=folder, env=terminal, check=True, timeout=300)  # noqa: S603, S607
        return results

    def result(command: Command) -> tuple[int, str]:
        results = ran.get(command.page) or ran.setdefault(command.page, run(command.page))
        return int((results / f"{command.number}.code").read_text()), (results / str(command.number)).read_text()

    return result


@pytest.mark.parametrize("command", EXECUTED, ids=str)
def test_a_command_of_a_page_does_what_it_says(command: Command, ended: Callable[[Command], tuple[int, str]]) -> None:
    code, output = ended(command)
    expected = next((code for beginning, code in OTHERWISE.items() if command.text.startswith(beginning)), 0)
    assert code == expected, output


@pytest.mark.parametrize("beginning", NOT_RUN)
def test_what_is_not_run_is_still_shown(beginning: str) -> None:
    assert [command for command in COMMANDS if command.text.startswith(beginning)]
