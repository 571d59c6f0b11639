"""What a measured process gets of its surroundings: a certificate that it trusts, and a share of a processor."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import botocore

from dev.bench.results import BenchError

HOST = "127.0.0.1"
BUNDLE_OF_BOTOCORE = Path(botocore.__file__).with_name("cacert.pem")
# AWS Lambda gives a function processor time in proportion to its memory, with this many MB that of one processor.
# Source: AWS Lambda Developer Guide, "Configure Lambda function memory".
MEMORY_OF_ONE_PROCESSOR = 1769
# Of Linux, version 1 of control groups.
CONTROL_GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_MICROSECONDS = 100_000


def tls_context(folder: Path, bundle: Path) -> ssl.SSLContext:
    """Return the endpoint's side of TLS, and write a bundle that trusts it beside all that botocore trusts.

    Loading botocore's own bundle is a good part of what a connection costs. Raises `BenchError` without `openssl`.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}")
    files = ("-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(certificate))
    try:
        subprocess.run([*new, *files], check=True, capture_output=True)  # noqa: S603 - nothing of it is given
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"openssl makes no certificate for the endpoint: {error}.") from error
    bundle.write_bytes(BUNDLE_OF_BOTOCORE.read_bytes() + certificate.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def share_of_a_processor(memory: int) -> Iterator[Path]:
    """Yield the file that takes the id of a process, which then has what Lambda gives a function of so many MB.

    Raises `BenchError` where this machine, or this user, may not limit processes so.
    """
    try:
        group = Path(tempfile.mkdtemp(prefix="bench-", dir=CONTROL_GROUPS))
        quota = PERIOD_MICROSECONDS * memory // MEMORY_OF_ONE_PROCESSOR
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError as error:
        raise BenchError(f"no process can be given a share of a processor here: {error}") from error
    try:
        yield group / "cgroup.procs"
    finally:
        group.rmdir()
