"""The command: `python -m dev.demo`, or `make demo`; with `--keep`, or `make serve`, it serves the emulated account."""

from __future__ import annotations

import argparse
import sys

from kms_rule.errors import CommandError
from kms_rule.output import complain

CANNOT = 2


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(
        prog="python -m dev.demo",
        description="Deploys the rule to an emulated AWS account and shows its results.",
    )
    described.add_argument(
        "--keep", action="store_true", help="evaluate the rule once, then serve the account until Ctrl-C"
    )
    return described


def run(*, keep: bool) -> None:
    """Run the demonstration, or serve its account; raises `CommandError` where that cannot be done."""
    try:
        from dev.demo.demonstration import run_demo, serve  # noqa: PLC0415
        from dev.emulator.deployment import DeploymentError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(
            f"The demonstration needs {error.name}, which is not installed: run make demo, which installs it."
        ) from error
    try:
        serve() if keep else run_demo()
    except DeploymentError as error:
        raise CommandError(str(error)) from error


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments, those of the process where None; return the code to end with."""
    parsed = parser().parse_args(arguments)
    try:
        run(keep=parsed.keep)
    except CommandError as error:
        complain(f"dev.demo: {error}")
        return CANNOT
    except KeyboardInterrupt:
        complain("dev.demo: Interrupted before everything was shown: run it again.")
        return CANNOT
    except BrokenPipeError:
        # Whoever read the output wants no more of it.
        return CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main())
