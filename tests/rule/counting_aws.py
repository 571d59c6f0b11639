"""AWS on loopback, which counts connections and tells by which access key each request was signed."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

KEY_ID = "0dd0dd0d-4444-4444-8888-0dd0dd0dd0dd"  # one that no documentation in botocore has
OWN_KEY = "AKIAOTTERFUNCTION"
SIGNED_BY = re.compile(r"Credential=([^/]+)/")
USAGE = {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Condition": {"StringLike": {"aws:userId": "AROABEAVER:*"}},
}
ANSWERS: Mapping[str, object] = {
    "ListKeys": {"Keys": [{"KeyId": KEY_ID}]},
    "ListAliases": {"Aliases": []},
    "DescribeKey": {"KeyMetadata": {"KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
    "GetKeyPolicy": {"Policy": json.dumps({"Statement": USAGE})},
    "DescribeConfigurationRecorderStatus": {"ConfigurationRecordersStatus": [{"recording": True}]},
    "BatchGetResourceConfig": {"baseConfigurationItems": []},
    "PutEvaluations": {"FailedEvaluations": []},
    "GetComplianceDetailsByConfigRule": {"EvaluationResults": []},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its operation, the access key that signed it, and what it asks for."""

    operation: str
    access_key: str
    request: Mapping[str, Any]


# A status and a body; without a body, the connection is closed instead.
type Answer = tuple[int, object]
type Fault = Callable[[Asked], Answer | None]

HUNG_UP: Answer = (0, None)


def refused(code: str, message: str = "because") -> Answer:
    return 400, {"__type": code, "message": message}


@dataclass(eq=False)
class CountingAws:
    """`asked` are the requests so far, `roles` the ARN that each access key is a session of, blank for the function.

    A fault may answer instead of the account; `closes_after_answers` closes each connection, and tells nobody.
    """

    asked: list[Asked] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=lambda: {OWN_KEY: ""})
    faults: list[Fault] = field(default_factory=list)
    closes_after_answers: bool = False
    connections: int = 0
    open: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""
    before_handshake: Callable[[int], object] = lambda _connection: None
    _server: ThreadingHTTPServer | None = None

    def answer(self, asked: Asked) -> Answer:
        with self.changed:
            self.asked.append(asked)
        for fault in self.faults:
            answer = fault(asked)
            if answer is not None:
                return answer
        if asked.operation == "AssumeRole":
            return 200, self._session(asked.request["RoleArn"][0])
        return 200, ANSWERS[asked.operation]

    def _session(self, role_arn: str) -> str:
        with self.changed:
            access_key = f"ASIAOTTER{len(self.roles)}"
            self.roles[access_key] = role_arn
        return (
            f"<R><AssumeRoleResult><Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>s"
            f"</SecretAccessKey><SessionToken>t</SessionToken></Credentials></AssumeRoleResult></R>"
        )

    @property
    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]

    def count(self, connections: int) -> None:
        with self.changed:
            self.connections += max(connections, 0)
            self.open += connections
            self.changed.notify_all()

    def has_open(self, most: int) -> bool:
        """Wait until no more connections are open, for the other end learns of it a moment later."""
        with self.changed:
            return self.changed.wait_for(lambda: self.open <= most, 30)

    def serve_tls(self, certificate: Path) -> None:
        """Speak TLS from now on; `certificate` is where to write the one to trust."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificate.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        assert self._server
        # The handshake is made by the thread of the connection.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"aws": self}))
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer goes out at once
    aws: CountingAws

    def setup(self) -> None:
        self.aws.count(1)
        if isinstance(self.request, ssl.SSLSocket):
            self.aws.before_handshake(self.aws.connections)
            self.request.do_handshake()
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.aws.count(-1)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        request = json.loads(body) if operation else parse_qs(body)
        signed_by = SIGNED_BY.findall(self.headers["Authorization"])[0]
        status, answer = self.aws.answer(Asked(operation or request["Action"][0], signed_by, request))
        self.close_connection = answer is None or self.aws.closes_after_answers
        if answer is None:
            return
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", "11111111-2222-3333-4444-555555555555")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass
