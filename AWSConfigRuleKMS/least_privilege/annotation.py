"""The annotation of a verdict: the scenario's sentence and, in square brackets, what decided it, in 256 characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.evidence import (
    DutiesEvidence,
    Evidence,
    FormEvidence,
    Grant,
    StateEvidence,
    StatementsEvidence,
    UnlimitedEvidence,
    WhitelistEvidence,
)
from least_privilege.key import DISABLED
from least_privilege.parameters import ADMINISTRATORS
from least_privilege.scenarios import NO_DESCRIPTION, SCENARIOS, Compliance, Scenario, Verdict
from least_privilege.text import escaped, name_in_sentence, quoted, shortened

MAX_ANNOTATION = 256
MAX_REASON = 100
OUT_OF_SCOPE_SENTENCE = "Key or alias {id} is deleted, or no longer in the rule's scope"
RETRACTED_SENTENCE = "Nothing of this rule is reported under {id} any more: a key or alias is gone or has another name"
# Of what a policy or a key says, nothing but a state stands before the mark.
MARK = re.compile(rf"[^[]* \[(?:{re.escape(NO_DESCRIPTION)}; )?(?:key state [^;]*; )?scenario (\d)[]:;]")


def annotate(verdict: Verdict, reported_id: str) -> str:
    """Return the scenario's sentence about `reported_id` and, in square brackets, what decided it.

    At most 256 characters, AWS Config's limit: the evidence is worded as shortly as that needs, and the middle of the
    id gives way last.
    """
    return next(annotate_each(verdict, (reported_id,)))


def annotate_each(verdict: Verdict, reported_ids: Sequence[str]) -> Iterator[str]:
    """Yield the annotation for each id that a key is reported under, as `annotate` does for one."""
    required = "; ".join(filter(None, (verdict.caveat, required_note(verdict.evidence))))
    longest = MAX_ANNOTATION - len(_with_brackets("", required))
    # For one id, no wording is made that is not tried.
    labelled: Iterable[str] = _labelled(verdict, required)
    labelled = labelled if len(reported_ids) == 1 else tuple(labelled)
    for reported_id in reported_ids:
        sentence = about(verdict.scenario.sentence, reported_id, longest)
        candidates = (_with_brackets(sentence, content) for content in labelled)
        yield next(candidate for candidate in candidates if len(candidate) <= MAX_ANNOTATION)


def about(sentence: str, resource_id: str, longest: int = MAX_ANNOTATION) -> str:
    """Return a sentence about a resource, whose id is shortened where the sentence would get too long."""
    return sentence.format(id=shortened(escaped(resource_id), longest - len(sentence.format(id=""))))


def scenario_of(annotation: str, compliance: Compliance) -> Scenario | None:
    """Return the scenario that an annotation tells of by its mark in square brackets, else by its sentence.

    None where no row of the table with that compliance is told of, as in annotations of another rule.
    """
    possible = [scenario for scenario in SCENARIOS if scenario.compliance is compliance]
    mark = MARK.match(annotation)
    if mark:
        return next((scenario for scenario in possible if scenario.number == int(mark[1])), None)
    sentence, _, _ = annotation.partition(" [")
    return next((scenario for scenario in possible if _says(scenario.sentence, sentence)), None)


def _says(sentence: str, text: str) -> bool:
    before, _, after = sentence.partition("{id}")
    return text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after)


def _with_brackets(sentence: str, content: str) -> str:
    return f"{sentence} [{content}]" if content else sentence


def _labelled(verdict: Verdict, required: str) -> Iterator[str]:
    """Yield what may stand in the brackets, the fullest first; the last is what must stand there."""
    beginning = f"{required}; " if required else ""
    label = f"scenario {verdict.scenario.number}" if verdict.scenario.number else ""
    for wording in wordings(verdict.evidence):
        yield f"{beginning}{label}: {wording}" if label else f"{beginning}{wording}"
    if label:
        yield f"{beginning}{label}"
    yield required


# ---------------------------------------------------------------------------------------------------------------------
# Evidence in words
# ---------------------------------------------------------------------------------------------------------------------


def required_note(evidence: Evidence) -> str:
    """Return what an annotation must say of its evidence, however little room there is; mostly nothing."""
    match evidence:
        case StateEvidence(state) if state != DISABLED:
            return f"key state {name_in_sentence(state)}"
        case FormEvidence(problem):
            return shortened(escaped(problem), MAX_REASON)
        case _:
            return ""


def wordings(evidence: Evidence) -> Iterator[str]:
    """Yield wordings of the evidence that decided, the fullest first: an annotation takes the first that fits."""
    match evidence:
        case WhitelistEvidence(match=(alias, pattern)):
            yield f"{escaped(alias)} matches {escaped(pattern)}"
        case UnlimitedEvidence(grants=grants):
            yield ", ".join(f"{_with_actions((grant,))}{_weakness(grant)}" for grant in grants)
            yield from (wording(grants) for wording in GRANT_WORDINGS)
        case StatementsEvidence(grants=grants):
            yield from (wording(grants) for wording in GRANT_WORDINGS)
        case DutiesEvidence() if evidence.has_usage or evidence.has_administration:
            yield from _wordings_of_duties(evidence)
        case DutiesEvidence(lacking=lacking):
            names = ", ".join(permission.name for permission in lacking)
            yield f"no usage, and administration lacks {names}" if lacking else "neither usage nor administration"
        case _:
            return


def _wordings_of_duties(evidence: DutiesEvidence) -> Iterator[str]:
    by_duty = (("usage", evidence.usage_grants), ("administration", evidence.administration_grants))
    present = [(duty, grants) for duty, grants in by_duty if grants]
    first = _on_users(evidence)
    for beginning in (f"{first}; ", "") if first else ("",):
        for wording in GRANT_WORDINGS:
            yield beginning + "; ".join(f"{duty} by {wording(grants)}" for duty, grants in present)
        if beginning:
            yield first


def _on_users(evidence: DutiesEvidence) -> str:
    if evidence.unlisted:
        return f"{ADMINISTRATORS} does not cover {quoted(evidence.unlisted[0])}"
    if not evidence.sharing:
        return ""
    user, administrator = evidence.sharing
    if user == administrator:
        return f"{quoted(user)} both uses and administers"
    return f"{quoted(user)} uses, {quoted(administrator)} administers, and one caller can be both"


def named(statement: Statement) -> str:
    """Return the statement's `Sid` in quotation marks, or its number where it has none."""
    return quoted(statement.sid) if statement.sid else f"statement {statement.number}"


def _with_actions(grants: Sequence[Grant]) -> str:
    return ", ".join(
        f"{named(grant.statement)} ({', '.join(map(name_in_sentence, grant.actions))})" for grant in grants
    )


def _weakness(grant: Grant) -> str:
    weak = grant.weak_user_id
    return f", whose aws:userId {quoted(weak[0])} limits nobody" if weak else ""


def _by_name(grants: Sequence[Grant]) -> str:
    return ", ".join(named(grant.statement) for grant in grants)


def _by_number(grants: Sequence[Grant]) -> str:
    return f"{_statements(grants)} {', '.join(str(grant.statement.number) for grant in grants)}"


def _by_count(grants: Sequence[Grant]) -> str:
    return f"{len(grants)} {_statements(grants)}"


def _statements(grants: Sequence[Grant]) -> str:
    return "statement" if len(grants) == 1 else "statements"


GRANT_WORDINGS: tuple[Callable[[Sequence[Grant]], str], ...] = (_with_actions, _by_name, _by_number, _by_count)
