"""Runs the command: `python -m kms_rule`."""

from __future__ import annotations

import sys

from kms_rule.cli import main

if __name__ == "__main__":
    sys.exit(main())
