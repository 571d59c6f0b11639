"""Numbers that the documents take from the code: each sentence has the number that the code has now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from kms_rule.acceptance import DAYS_OF_A_DRAFT
from kms_rule.sources.aggregator import calls
from kms_rule.sources.aggregator.coverage import MAX_AGE
from kms_rule.sources.aggregator.report import LONGEST_PERIOD
from kms_rule.sources.budget import MAX_DEPTH
from kms_rule.sources.cloudformation.text import MAX_TEMPLATE_LENGTH, MAX_VALUES
from kms_rule.sources.contents import MAX_BYTES_JUDGED, MAX_POLICY_BYTES
from kms_rule.sources.files import MAX_FILE_BYTES
from kms_rule.sources.terraform.plan_resources import MAX_MODULE_DEPTH
from least_privilege import deadline
from least_privilege.annotation import MAX_ANNOTATION
from least_privilege.clients import MAX_KEPT, SESSION_SECONDS, client_config
from least_privilege.metrics import UNITS
from least_privilege.reading import (
    DEFAULT_READER_THREADS,
    KEYS_PER_BATCH,
    KEYS_PER_JOB,
    KEYS_PER_SECOND,
    MAX_READER_THREADS,
)
from tests.documents import document

MEBIBYTE = 1024 * 1024
WORDS: Mapping[float, str] = {
    1 / 3: "a third",
    3: "three",
    4: "four",
    5: "five",
    8: "eight",
    10: "ten",
    100: "hundred",
}
DAYS = {timedelta(days=1): "a day"}
CLIENT: Any = client_config(connections=1)
ATTEMPTS = WORDS[CLIENT.retries["total_max_attempts"]]
LEAST, MOST = deadline.READING_RESERVE

# By document: what stands in it, in one line.
STATED: tuple[tuple[str, str], ...] = (
    ("README.md", f"`READER_THREADS` (default {DEFAULT_READER_THREADS}:"),
    ("CONTRIBUTING.md", f'"READER_THREADS is "0": give a whole number from 1 to {MAX_READER_THREADS}."'),
    ("SECURITY.md", f"up to {MAX_POLICY_BYTES // 1024} KB of it"),
    ("SECURITY.md", f"clients of up to {WORDS[MAX_KEPT]} roles"),
    ("SECURITY.md", f"the {SESSION_SECONDS // 60} minutes that they last"),
    ("docs/architecture.md", f"the evidence in at most {MAX_ANNOTATION} characters"),
    ("docs/deploying.md", f"{LEAST} seconds where AWS answers fast"),
    ("docs/deploying.md", f"at most {WORDS[MOST]} seconds or {WORDS[deadline.SHARE_FOR_READING]} of the timeout"),
    ("docs/deploying.md", f"or {WORDS[deadline.REPORTING_RESERVE[1]]} seconds where the report needs them"),
    ("docs/deploying.md", f"A call to AWS is tried up to {ATTEMPTS} times"),
    ("docs/deploying.md", f"after {WORDS[CLIENT.connect_timeout]} seconds without a connection"),
    ("docs/deploying.md", f"or {WORDS[CLIENT.read_timeout]} without an answer"),
    ("docs/deploying.md", f"tried again, {ATTEMPTS} times in about a minute"),
    ("docs/deploying.md", f"the {WORDS[KEYS_PER_JOB]} keys at most that its thread has in hand"),
    ("docs/deploying.md", f"the {WORDS[KEYS_PER_BATCH]} of a call for AWS Config's items"),
    ("docs/deploying.md", f"for up to {WORDS[MAX_KEPT]} roles"),
    ("docs/deploying.md", f"these {WORDS[len(UNITS)]} metrics"),
    ("docs/deploying.md", f"a result older than {DAYS[LONGEST_PERIOD]}"),
    ("docs/deploying.md", f"older than {MAX_AGE // timedelta(hours=1)} hours"),
    ("docs/deploying.md", f"keys and aliases, a {WORDS[calls.ROWS_PER_PAGE]} at a time"),
    ("docs/deploying.md", f"the query does not return, a {WORDS[calls.ITEMS_PER_CALL]} at a time"),
    ("docs/deploying.md", f"one for every {WORDS[calls.SOURCES_PER_PAGE]} sources"),
    ("docs/performance.md", f"no more than {KEYS_PER_SECOND} keys a second"),
    ("docs/checking.md", f"Up to {MAX_FILE_BYTES // MEBIBYTE} MB of a file are read"),
    ("docs/checking.md", f"CloudFormation's {MAX_TEMPLATE_LENGTH // MEBIBYTE} MB and {MAX_VALUES:,} values"),
    ("docs/checking.md", f"nested up to {MAX_DEPTH} deep"),
    ("docs/checking.md", f"modules nested more than {MAX_MODULE_DEPTH} deep"),
    (
        "docs/checking.md",
        f"{MAX_POLICY_BYTES:,} bytes; longer ones are judged with a remark up to {MAX_BYTES_JUDGED:,},",
    ),
    ("docs/checking.md", f"until {DAYS_OF_A_DRAFT} days from now"),
)


@pytest.mark.parametrize(("name", "stated"), STATED)
def test_a_document_has_the_number_that_the_code_has(name: str, stated: str) -> None:
    assert stated in " ".join(document(name).split())
