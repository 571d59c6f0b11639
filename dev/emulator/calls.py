"""The calls that reach the emulated account, and whether AWS would accept them.

The limits of a request are those of botocore's model of the service, so they are AWS's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from botocore.model import ListShape, Shape, StringShape, StructureShape
from moto.config.exceptions import ValidationException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model


class Place(NamedTuple):
    """Where a call is answered: the id of an account, and a Region."""

    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request that reached the account; as text it is `service:Operation`, with the service as boto3 calls it.

    `parameters` are those that a boto3 client was given, with times as moto has them: without a time zone, in UTC.
    """

    place: Place
    service: str
    operation: str
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, response: BaseResponse) -> Self:
        """Return the request that `response` has read and is to answer."""
        response.parse_parameters(response.normalized_request)
        return cls(
            Place(response.current_account, response.region),
            response.boto3_service_name,
            response._get_action(),  # noqa: SLF001 - the one place where moto tells it
            response.params,
        )

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def answering(operation: Callable[[Call], dict[str, Any]]) -> Callable[[BaseResponse], ActionResult]:
    """Return the method of a response class of moto that checks a call and lets `operation` answer it."""

    def answer(response: BaseResponse) -> ActionResult:
        return ActionResult(operation(checked_call(response)))

    return answer


def checked_call(response: BaseResponse) -> Call:
    """Return the call that `response` is to answer; refuse one that is not within the limits of its model."""
    call = Call.of(response)
    shape = get_service_model(call.service).operation_model(call.operation).input_shape
    problems = list(_problems(shape, call.parameters, call.operation))
    if problems:
        raise ValidationException(f"{len(problems)} validation errors detected: {'; '.join(problems)}")
    return call


def _problems(shape: Shape, value: Any, name: str) -> Iterator[str]:
    """Yield a sentence for each limit in the model of `value` that it does not keep; `name` says which value it is."""
    match shape:
        case StructureShape():
            for member in sorted(set(shape.required_members) - value.keys()):
                yield f"'{name}.{member}' must not be null"
            for member in value:
                yield from _problems(shape.members[member], value[member], f"{name}.{member}")
        case ListShape():
            yield from _size_problems(shape, len(value), f"the length of '{name}'")
            for number, item in enumerate(value, start=1):
                yield from _problems(shape.member, item, f"{name}.{number}")
        case StringShape():
            yield from _size_problems(shape, len(value), f"the length of '{name}'")
            if shape.enum and value not in shape.enum:
                yield f"'{name}' must be one of {', '.join(shape.enum)}, not {value}"
        case Shape(type_name="integer"):
            yield from _size_problems(shape, value, f"'{name}'")


def _size_problems(shape: Shape, size: int, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", -math.inf), shape.metadata.get("max", math.inf)
    if not least <= size <= most:
        yield f"{what} must be from {least} to {most}, not {size}"
