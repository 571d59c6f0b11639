"""What the Terraform of this machine writes is read like the plans that are kept; nothing here needs a network.

Where there is no Terraform, or no provider hashicorp/aws in a folder that a `filesystem_mirror` may name, the tests
skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command.real_plans import CHANGES, LATE, ON_CHANGES, ON_LATE, ON_STATE, ON_TARGETED, said_of

TERRAFORM = shutil.which("terraform")
REGISTRY = "registry.terraform.io"
PLACES_OF_MIRRORS = ("~/.terraform.d", "/opt", "/usr/share/terraform", "/usr/local/share/terraform")
CONFIGURATION = """
provider_installation {{
  filesystem_mirror {{
    path = "{}"
  }}
}}
"""


def mirror() -> Path | None:
    """The folder of a mirror that has the provider."""
    folders = (Path(place).expanduser() for place in PLACES_OF_MIRRORS)
    found = (path for folder in folders for path in folder.glob(f"**/{REGISTRY}/hashicorp/aws"))
    return next((path.parents[2] for path in found), None)


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Terraform, with the provider of a mirror; it returns what it writes to standard output."""
    plugins = mirror() if TERRAFORM else None
    if not TERRAFORM or plugins is None:
        pytest.skip("needs terraform, and hashicorp/aws in a folder that a filesystem_mirror may name")
    settings = tmp_path_factory.mktemp("terraform") / "settings.tfrc"
    settings.write_text(CONFIGURATION.format(plugins), encoding="utf-8")
    environment = os.environ | {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(folder: Path, *arguments: str) -> str:
        command = [TERRAFORM, f"-chdir={folder}", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def shown(folder: Path, terraform: Callable[..., str], *options: str) -> str:
    """Make a plan in a folder, and return the name of the file that holds it as JSON."""
    terraform(folder, "plan", "-refresh=false", "-input=false", "-out=plan.out", *options)
    return written(folder, terraform(folder, "show", "-json", "plan.out"))


def written(folder: Path, content: str) -> str:
    file = folder / "plan.json"
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_a_plan_with_documents_that_are_read_late(tmp_path: Path, terraform: Callable[..., str]) -> None:
    folder = shutil.copytree(LATE, tmp_path / "late")
    terraform(folder, "init", "-input=false")
    assert said_of(shown(folder, terraform)) == ON_LATE


def test_plans_that_forget_move_replace_and_target(tmp_path: Path, terraform: Callable[..., str]) -> None:
    folder = shutil.copytree(CHANGES, tmp_path / "changes")
    terraform(folder, "init", "-input=false")
    (folder / "before.tfstate").rename(folder / "terraform.tfstate")
    assert said_of(written(folder, terraform(folder, "show", "-json", "terraform.tfstate"))) == ON_STATE
    assert said_of(shown(folder, terraform)) == ON_CHANGES
    targets = ("-target=aws_kms_key.new", "-target=aws_kms_key.old")
    assert said_of(shown(folder, terraform, *targets)) == ON_TARGETED
