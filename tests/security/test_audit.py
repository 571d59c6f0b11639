from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kms_rule.audit import KNOWN_TO_BE_VULNERABLE, PYPI, Outcome, answer_in, audit, lock_files, main, osv_at

PROJECT = Path(__file__).parents[2]
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
HASH = "--hash=sha256:" + "0" * 64
NOBODY = "http://127.0.0.1:9"

type Pin = tuple[str, str]
type Reply = Callable[[Pin], tuple[int, bytes]]

NAME, _, VERSION = KNOWN_TO_BE_VULNERABLE.partition("==")
PROBE: Pin = (NAME, VERSION)


def advisory(pin: Pin) -> dict[str, object]:
    fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}
    affected = {"package": {"name": pin[0], "ecosystem": "PyPI"}, "ranges": [fixed]}
    return {"id": "PYSEC-2100-1", "summary": "an example", "affected": [affected]}


def vulnerable(*pins: Pin) -> Reply:
    """Make a database that has an advisory on the probe, and on each of these."""

    def reply(pin: Pin) -> tuple[int, bytes]:
        return 200, json.dumps({"vulns": [advisory(pin)]} if pin in (PROBE, *pins) else {}).encode()

    return reply


def breaks_down_at(name: str) -> Reply:
    return lambda pin: (500, b"") if pin[0] == name else vulnerable()(pin)


@contextmanager
def database(answer: Reply) -> Iterator[tuple[str, list[Pin]]]:
    """Serve an advisory database as OSV does; what is given is its address and what it was asked about."""
    asked: list[Pin] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((query["package"]["name"], query["version"]))
            status, body = answer(asked[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(f"otter==1.0 {HASH}\nbeaver==2.0 {HASH}\n")
    return path


def pins_of(lock_file: Path) -> set[Pin]:
    return {(name, version) for name, version in PIN.findall(lock_file.read_text())}


def test_every_pinned_dependency_of_every_lock_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    with database(vulnerable()) as (url, asked):
        outcome = main(["--osv-url", url])
    pinned = set[Pin]().union(*map(pins_of, lock_files()))
    assert outcome is Outcome.CLEAN
    assert asked[0] == PROBE
    assert set(asked[1:]) == pinned
    assert capsys.readouterr().out == f"No known vulnerability in {len(asked) - 1} pinned dependencies.\n"


def test_each_part_of_the_project_that_has_a_lock_is_among_the_files() -> None:
    ignored = {".venv", ".venv-bench"}
    found = {path for path in PROJECT.glob("*/requirements.lock") if path.parent.name not in ignored}
    assert set(lock_files()) == {PROJECT / "requirements.lock", *found}
    assert PROJECT / "bench" / "requirements.lock" in lock_files()


def test_a_vulnerability_is_named_with_its_remedy(lock: Path) -> None:
    with database(vulnerable(("beaver", "2.0"))) as (url, _):
        found = audit([lock], [osv_at(url)])
    assert found.outcome is Outcome.VULNERABLE
    assert "beaver 2.0 has PYSEC-2100-1, fixed in 99.1" in str(found)
    assert "Not checked" not in str(found)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(lambda _pin: (200, b"{}"), f"knows nothing of {KNOWN_TO_BE_VULNERABLE}", id="has no advisories"),
        pytest.param(lambda _pin: (200, b"<html>Log in</html>"), "gave no answer", id="is a page"),
        pytest.param(lambda _pin: (503, b""), "gave no answer", id="is out of order"),
        pytest.param(breaks_down_at("beaver"), "gave no answer", id="breaks down on the way"),
    ],
)
def test_a_database_that_does_not_answer_everything_leaves_it_unchecked(lock: Path, reply: Reply, why: str) -> None:
    with database(reply) as (url, _):
        found = audit([lock], [osv_at(url)])
    assert found.outcome is Outcome.NOT_CHECKED
    assert f"{url} {why}" in str(found)
    assert str(found).startswith("Not checked: ")
    assert "No known vulnerability" not in str(found)


def test_where_the_first_database_does_not_count_the_next_one_is_asked(lock: Path) -> None:
    with database(lambda _pin: (200, b"{}")) as (empty, _), database(vulnerable(("otter", "1.0"))) as (url, asked):
        found = audit([lock], [osv_at(empty), osv_at(url)])
    assert found.outcome is Outcome.VULNERABLE
    assert asked == [PROBE, ("otter", "1.0"), ("beaver", "2.0")]


def test_a_vulnerability_in_one_file_counts_though_another_cannot_be_checked(lock: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.lock"
    second.write_text("otter>=1.0\n")
    with database(vulnerable(("otter", "1.0"))) as (url, _):
        found = audit([lock, second], [osv_at(url)])
    assert found.outcome is Outcome.VULNERABLE
    assert "otter 1.0 has PYSEC-2100-1" in str(found)
    assert "Not checked: " in str(found)


def test_where_nothing_can_be_reached_the_command_says_so_in_one_sentence_and_ends_with_3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A setting of the person's own must not turn the list of findings into something else.
    monkeypatch.setenv("PIP_AUDIT_FORMAT", "markdown")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://otter:the-password")  # the host is forgotten, so an error names the password
    result = subprocess.run(
        [sys.executable, "-m", "kms_rule.audit"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == Outcome.NOT_CHECKED
    assert re.fullmatch(
        r"Not checked: PyPI gave no answer .*; OSV gave no answer .*\. Run this .* reached\.\n", result.stdout
    )
    assert result.stderr == ""
    assert "the-password" not in result.stdout


def test_a_database_that_never_answers_is_given_up(lock: Path) -> None:
    found = audit([lock], [osv_at(NOBODY)], seconds=0.01)
    assert found.outcome is Outcome.NOT_CHECKED
    assert str(found) == (
        f"Not checked: {NOBODY} gave no answer within 0.01 seconds. Run this where an advisory database can be reached."
    )


def test_a_dependency_that_the_database_does_not_know_is_not_called_clean() -> None:
    output = {
        "dependencies": [
            {"name": "otter", "skip_reason": "not found"},
            {"name": "beaver", "version": "2.0", "vulns": []},
        ]
    }
    answer = answer_in(json.dumps(output), "No known vulnerabilities found", "requirements.lock")
    assert (answer.known, answer.unknown) == (1, ("otter",))


def test_dependencies_that_the_database_does_not_know_are_named(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip_audit(command: tuple[str, ...], **_settings: object) -> subprocess.CompletedProcess[str]:
        vulns = [{"id": "PYSEC-2100-1", "fix_versions": []}]
        proven = {"name": "jinja2", "version": "2.4.1", "vulns": vulns}
        found = {"name": "otter", "skip_reason": "not found"} if "--require-hashes" in command else proven
        return subprocess.CompletedProcess(command, 0, json.dumps({"dependencies": [found]}), "")

    monkeypatch.setattr("kms_rule.audit.subprocess.run", pip_audit)
    found = audit([lock], [PYPI])
    assert found.outcome is Outcome.NOT_CHECKED
    assert "PyPI does not know otter" in str(found)


def test_make_audit_runs_it() -> None:
    result = subprocess.run(
        ["make", "--dry-run", "audit"],  # noqa: S607 - the make of the path is the one that people run
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    # Run by make itself, it also says which folder it enters and leaves.
    assert ".venv/bin/python -m kms_rule.audit" in result.stdout.splitlines()
