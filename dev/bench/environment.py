"""The environment of Cloud Custodian and of the plot, apart from the rule's: it pins another boto3."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from dev.bench.processes import PROJECT, BenchError

FOLDER = PROJECT / ".venv-bench"
LOCK = Path(__file__).with_name("requirements.lock")
READY = FOLDER / "ready"
PIP_INSTALL = (
    "-m",
    "pip",
    "install",
    "--quiet",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--require-hashes",
)


def interpreter() -> Path:
    """Return the interpreter of the environment, which is made first if it is not there or not of the lock."""
    python = FOLDER / "bin" / "python"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not READY.exists() or READY.read_text() != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
        _run([str(python), *PIP_INSTALL, "--requirement", str(LOCK)])
        READY.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    result = subprocess.run(command, check=False)  # noqa: S603 - an interpreter and its own modules
    if result.returncode:
        raise BenchError("The environment for Cloud Custodian and the plot cannot be made: see above.")
