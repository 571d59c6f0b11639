"""The command: `python -m kms_rule demo`."""

from __future__ import annotations

import argparse
import sys

from kms_rule.demo import run_demo

COMMANDS = {"demo": run_demo}


def main(arguments: list[str]) -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m kms_rule", description="The AWS Config rule for KMS key policies.")
    parser.add_argument("command", choices=COMMANDS, help="demo: judge example keys on an emulated AWS account")
    COMMANDS[parser.parse_args(arguments).command]()


if __name__ == "__main__":
    main(sys.argv[1:])
