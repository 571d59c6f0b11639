"""A failure of AWS in one sentence for people: what failed, why, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ProxyConnectionError
from botocore.parsers import ResponseParserError

from least_privilege.text import RuleError, escaped, shortened

DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
NOT_FOUND = "NotFoundException"
# Raised over answers that were cut off or garbled on their way, or do not come from AWS, whose form botocore's parsers
# and what picks members take for granted. Their texts repeat the answer, and STS answers with credentials.
UNREADABLE = (ResponseParserError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RuntimeError)
FAILURES = (ClientError, BotoCoreError, *UNREADABLE)
# Longer than any name in what AWS says, and shorter than the tokens that it may repeat.
TOKEN = re.compile(r"[A-Za-z0-9+/=_%-]{150,}")
PASSING_STATUSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})
THROTTLED = frozenset({"LimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException"})
MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure: about the deployed function, in which `{role}` is its role, and at a terminal."""

    to_the_function: str = "re-evaluate the rule once the cause is gone"
    at_a_terminal: str = "run the command again once the cause is gone"


OTHERWISE = Advice()
INVALID_TOKEN = "InvalidResultTokenException"  # noqa: S105 - the code of an error
NO_SUCH_RULE = "NoSuchConfigRuleException"
_DENIED = Advice("allow it to {role}", "get the permission that AWS names")
_NOT_KNOWN_THERE = Advice(at_a_terminal="enable the Region for the account, or correct the credentials")
_NO_SUCH_REGION = Advice(at_a_terminal="there is no such Region, or no way to it: correct its name, or the network")
_EXPIRED = Advice(at_a_terminal="the session has expired, log in again, for instance with aws sso login")

# By the code of AWS's error, or the name of botocore's.
ADVICE: Mapping[str, Advice] = {
    **dict.fromkeys(DENIED, _DENIED),
    INVALID_TOKEN: Advice("re-evaluate the rule, its token is no longer valid"),
    NO_SUCH_RULE: Advice("the rule was deleted meanwhile, deploy it again if that was a mistake"),
    "UnauthorizedOperation": Advice(at_a_terminal=_DENIED.at_a_terminal),
    "AuthFailure": _NOT_KNOWN_THERE,
    "InvalidClientTokenId": _NOT_KNOWN_THERE,
    "OptInRequired": _NOT_KNOWN_THERE,
    "UnrecognizedClientException": _NOT_KNOWN_THERE,
    "ConnectTimeoutError": _NO_SUCH_REGION,
    "EndpointConnectionError": _NO_SUCH_REGION,
    "InvalidRegionError": _NO_SUCH_REGION,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
}


class OtherAnswerError(BotoCoreError):
    """Raised when an answer does not come from AWS."""

    fmt = "AWS answered without {member}: look for a proxy between the function and AWS"


def code_of(error: Exception) -> str:
    """Return the code of AWS's error, or the name of botocore's."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def is_denied(error: ClientError) -> bool:
    """Return whether AWS refused a permission."""
    return code_of(error) in DENIED


def passes(error: ClientError) -> bool:
    """Return whether the failure is of a kind that passes by itself: throttling, or an internal error of AWS."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code_of(error) in THROTTLED or status in PASSING_STATUSES


def reason_of(error: Exception) -> str:
    """Return why a call failed, without what AWS adds after the first line: of a bad signature, the session token.

    Tokens are left out of the first line, too.
    """
    code = code_of(error)
    if isinstance(error, ClientError):
        text = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    elif isinstance(error, HTTPClientError | ProxyConnectionError):
        # The rest may hold a header of the request, or the password of a proxy.
        text = f"{code}: {error.kwargs.get('endpoint_url', '')}"
    elif isinstance(error, BotoCoreError):
        text = f"{code}: {error}"
    else:
        text = f"{code}: the answer cannot be read, look for a proxy between the function and AWS"
    return shortened(escaped(TOKEN.sub("(token)", text.partition("\n")[0])), MAX_MESSAGE)


@contextmanager
def explained(action: str, role: str) -> Iterator[None]:
    """Turn a failure of AWS into the one sentence that people get.

    The cause is left out of the traceback, because AWS repeats the request's session token in some messages.
    """
    try:
        yield
    except FAILURES as error:
        advice = ADVICE.get(code_of(error), OTHERWISE).to_the_function.format(role=role)
        raise RuleError(f"{action} failed with {role}: {advice} ({reason_of(error)}).") from None
