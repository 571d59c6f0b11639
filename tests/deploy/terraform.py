"""The real Terraform on copies of `deploy/terraform`, with a provider that lies on this machine.

Terraform would fetch the AWS provider, which is half a gigabyte, from the Internet. These tests take one from a mirror:
the folder that `TERRAFORM_MIRROR` names, or one below `ROOTS`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.deploy.templates import DEPLOY

MODULES = DEPLOY / "terraform"
RULE_MODULE = MODULES / "rule"
MEMBER_ROLE_MODULE = MODULES / "member-role"
EXAMPLE = MODULES / "example"
ROOTS = (Path.home() / ".terraform.d", Path.home() / ".local/share/terraform", *map(Path, ("/opt", "/usr/local/share")))
PROVIDER = "registry.terraform.io/hashicorp/aws"
MAX_DEPTH = 3
# What Terraform leaves in a folder where it ran.
LEFT_BEHIND = shutil.ignore_patterns(".terraform*", "*.tfstate*")


@cache
def what_is_missing() -> str:
    """Return what the real Terraform lacks to run here, as a sentence; blank if nothing."""
    if not shutil.which("terraform"):
        return "Terraform is not on the path."
    if not _mirror():
        return f"No mirror of the provider {PROVIDER} is in TERRAFORM_MIRROR or below {', '.join(map(str, ROOTS))}."
    return ""


@cache
def _mirror() -> Path | None:
    given = os.environ.get("TERRAFORM_MIRROR")
    return next(iter([Path(given)] if given else _mirrors()), None)


def _mirrors() -> Iterator[Path]:
    for root in ROOTS:
        for depth in range(MAX_DEPTH):
            for found in root.glob("*/" * depth + PROVIDER):
                yield found.parents[PROVIDER.count("/")]


@dataclass(frozen=True)
class Terraform:
    """Copies of the modules in `folder`, and the Terraform that works on them."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Terraform:
        """Copy the modules to a folder of the copy's own, where Terraform finds the provider's mirror."""
        shutil.copytree(MODULES, folder / "modules", ignore=LEFT_BEHIND)
        mirror = json.dumps(str(_mirror()))
        (folder / "terraformrc").write_text(f"provider_installation {{\n filesystem_mirror {{ path = {mirror} }}\n}}\n")
        return cls(folder)

    def path(self, module: Path) -> Path:
        """Return where the copy of a module is."""
        return self.folder / "modules" / module.relative_to(MODULES)

    def start(self, module: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start Terraform in the copy of a module."""
        return subprocess.Popen(  # noqa: S603 - runs Terraform
            self._command(module, *arguments),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, module: Path, *arguments: str) -> str:
        """Run Terraform in the copy of a module, check that it succeeds, and return what it printed."""
        ended = self.start(module, *arguments)
        printed, _ = ended.communicate()
        assert ended.returncode == 0, printed
        return printed

    def plan(self, module: Path, variables: Mapping[str, str]) -> dict[str, Any]:
        """Return the plan of a module, with its configuration, as Terraform writes it in JSON."""
        given = [f"-var={name}={value}" for name, value in variables.items()]
        self.run(module, "plan", "-input=false", "-refresh=false", "-out=plan", *given)
        return dict(json.loads(self.run(module, "show", "-json", "plan")))

    def state(self, module: Path) -> dict[str, Any]:
        """Return the state file of a module that was applied."""
        return dict(json.loads((self.path(module) / "terraform.tfstate").read_text("utf-8")))

    def _command(self, module: Path, *arguments: str) -> list[str]:
        return ["terraform", f"-chdir={self.path(module)}", arguments[0], *_without_color(*arguments)]

    @property
    def _environment(self) -> dict[str, str]:
        settings = {"TF_CLI_CONFIG_FILE": str(self.folder / "terraformrc"), "CHECKPOINT_DISABLE": "1"}
        own = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        return {**own, **settings}


def _without_color(command: str, *arguments: str) -> list[str]:
    return [*arguments] if command == "fmt" else ["-no-color", *arguments]
