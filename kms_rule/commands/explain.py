"""The command `kms-rule explain`: every question of the rule about one policy, and what would make it compliant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from kms_rule.commands.check import worst
from kms_rule.errors import CommandError
from kms_rule.explanation.explanation import Explanation, explanation_of
from kms_rule.findings import ExitCode, Place, Unjudged
from kms_rule.settings import chosen_parameters
from kms_rule.sources import detect
from kms_rule.sources.contents import Contents, InputError, checked_size
from kms_rule.sources.files import STANDARD_INPUT, content_of, shown, text_in
from kms_rule.sources.policy import NAME_OF_STANDARD_INPUT
from kms_rule.sources.relevance import seems_policy_as_no_json
from least_privilege.key import AWS, CUSTOMER, Facts, managed_by_aws
from least_privilege.parameters import ALIAS_PREFIX, RuleParameters
from least_privilege.scenarios import Compliance
from least_privilege.text import quoted

# Source: KMS API Reference, `CreateAlias`.
ALIAS = re.compile(r"alias/[a-zA-Z0-9:/_-]{1,250}")
NO_POLICY = "It is not a key policy, which is a JSON object with a Statement: name another file."
NO_POLICY_BUT_KEYS = (
    "It is a template or a plan, not a key policy: name a key in it as FILE#NAME, or use 'kms-rule check'."
)
ONE_OF_THEM = "Nothing is named that could be explained, or too much: name a key policy, or a key with --key."
LIVE_ALIASES = "A live key has its own aliases: leave out --alias."
DEFINED_ALIASES = "A key of a template or plan has the aliases that stand there: leave out --alias."


def run(arguments: argparse.Namespace) -> int:
    """Explain the policy that the arguments name, and return the exit code, which follows from the verdict.

    Raises `CommandError` where there is no policy to explain, an argument is wrong, or the output cannot be written.
    """
    from kms_rule.formats import show_explanation  # noqa: PLC0415 - it takes its time to load, and is needed last

    if (arguments.policy is None) == (arguments.key is None):
        raise CommandError(ONE_OF_THEM)
    parameters, _ = chosen_parameters(arguments)
    explanation = replace(_explained(arguments, parameters), with_unreached=arguments.all)
    show_explanation(explanation, arguments.format, arguments.output)
    refused = explanation.finding.compliance is Compliance.NON_COMPLIANT
    return ExitCode.NON_COMPLIANT if refused else ExitCode.COMPLIANT


def _explained(arguments: argparse.Namespace, parameters: RuleParameters) -> Explanation:
    if arguments.key is not None:
        if arguments.alias:
            raise CommandError(LIVE_ALIASES)
        # boto3 takes its time to load, and a file is explained without it.
        from kms_rule.sources.live.accounts import only  # noqa: PLC0415
        from kms_rule.sources.live.key import live_key  # noqa: PLC0415

        key, place = live_key(only(arguments), arguments.key)
        return explanation_of(key.id, key.facts, place, parameters)
    file, separator, resource = arguments.policy.rpartition("#")
    if separator and not Path(arguments.policy).exists():
        if arguments.alias:
            raise CommandError(DEFINED_ALIASES)
        return explain_defined(file, resource, parameters)
    return explain(arguments.policy, arguments.alias, parameters)


def explain_defined(name: str, resource: str, parameters: RuleParameters) -> Explanation:
    """Explain the worst that one key of a template or plan may be, which is named by its logical id or address there.

    Raises `CommandError` where the file cannot be read, has no such key, or where that cannot be judged or shown.
    """
    source = shown(name)
    try:
        contents = detect.read(text_in(content_of(name), name), source, parameters)
    except InputError as error:
        raise CommandError(f"{':'.join(map(str, filter(None, (source, *error.position))))}: {error}") from error
    keys = contents.keys if isinstance(contents, Contents) else ()
    key = next((each for each in keys if each.place.resource == resource), None)
    if key is None:
        there = ", ".join(each.place.resource for each in keys if each.place.resource)
        raise CommandError(f"{source} has no key {quoted(resource)}: name one that it has ({shown(there) or 'none'}).")
    if isinstance(key, Unjudged):
        raise CommandError(f"{key.place}: {key.reason}")
    if key.hidden:
        raise CommandError(f"{key.place}: It is marked as sensitive, so that nothing of it is shown.")
    candidate, _ = worst(key, parameters)
    return explanation_of(candidate.key.id, candidate.key.facts, key.place, parameters, candidate.remarks)


def explain(name: str, aliases: Iterable[str], parameters: RuleParameters) -> Explanation:
    """Explain the policy in the file of this name, `-` being standard input, of a key that has these aliases.

    Raises `CommandError` where the file cannot be read or holds no key policy, or an alias is not one.
    """
    source = shown(name)
    try:
        text = _policy_in(text_in(content_of(name), name))
        remarks = checked_size(text)
    except InputError as error:
        place = ":".join(str(part) for part in (source, *error.position) if part)
        raise CommandError(f"{place}: {error}") from error
    names = tuple(dict.fromkeys(map(_alias, aliases)))
    manager = AWS if managed_by_aws(names) else CUSTOMER
    called = NAME_OF_STANDARD_INPUT if name == STANDARD_INPUT else Path(source).name
    return explanation_of(called, Facts(names, manager, policy=text), Place(source), parameters, remarks)


def _policy_in(text: str) -> str:
    """Return the key policy that a text is, or that stands in it as 'aws kms get-key-policy' answers."""
    if not detect.begins_as_json(text):
        raise InputError(_why_not(text))
    content = detect.from_json(text)
    if isinstance(content, str) and detect.begins_as_json(content):
        return _policy_in(content)
    if not isinstance(content, Mapping):
        raise InputError(NO_POLICY)
    if detect.holds_key_policy_answer(content):
        return _policy_in(content["Policy"])
    if detect.holds_own_state(content):
        raise InputError(detect.OWN_STATE)
    if "Statement" not in content:
        raise InputError(NO_POLICY_BUT_KEYS if "Resources" in content or "format_version" in content else NO_POLICY)
    return text


def _why_not(text: str) -> str:
    if detect.RESOURCES.search(text):
        return NO_POLICY_BUT_KEYS
    return detect.POLICY_AS_NO_JSON if seems_policy_as_no_json(text) else NO_POLICY


def _alias(given: str) -> str:
    alias = ALIAS_PREFIX + given.removeprefix(ALIAS_PREFIX)
    if not ALIAS.fullmatch(alias):
        raise CommandError(f"The alias {quoted(given)} is not a name that KMS gives: write it such as alias/orders.")
    return alias
