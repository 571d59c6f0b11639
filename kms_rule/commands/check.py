"""The command `kms-rule check`: judges keys that files define, before they are deployed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kms_rule.findings import Finding, Findings, Place, Unjudged, findings_of
from kms_rule.settings import remarks_on, rule_parameters
from kms_rule.sources import detect
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs, template_inputs
from kms_rule.sources.contents import Candidate, Contents, DefinedKey, InputError
from kms_rule.sources.files import content_of, files_below, shown, text_in
from least_privilege.annotation import annotate
from least_privilege.evidence import Evidence
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import POLICY_SCENARIOS, Compliance, Verdict, judge

KMS = b"kms"
HIDDEN_REMARK = "It is marked as sensitive, so that nothing of its policy and aliases is shown."
# Of the candidates of one key, the highest is reported.
SEVERITY: Sequence[Compliance] = (Compliance.NOT_APPLICABLE, Compliance.COMPLIANT, Compliance.NON_COMPLIANT)
NONE_OF_THESE = (
    "It is not a key policy as JSON, a CloudFormation template or the output of 'terraform show -json': name another "
    "file."
)
PASSED_OVER = (
    "Passed over, though it seems to define a KMS key: it is not a CloudFormation template, and a key policy must be "
    "JSON."
)
NONE_IN_FOLDER = (
    "There is no key policy, CloudFormation template or output of 'terraform show -json' in this folder: name another."
)


def run(arguments: argparse.Namespace) -> int:
    """Check the files that the arguments name, show what was found, and return the exit code.

    Raises `CommandError` where the rule's parameters are wrong, or what was found cannot be written.
    """
    # What shows the findings takes its time to load, and the rest of this module is used without it.
    from kms_rule.formats import show  # noqa: PLC0415

    parameters = rule_parameters(arguments.parameters, arguments.parameter)
    findings = check(arguments.files, parameters, template_inputs(arguments.template_parameters))
    findings.remarks += remarks_on(arguments.parameters, arguments.parameter)
    findings.with_notes = arguments.notes
    show(findings, arguments.format, arguments.output)
    return findings.exit_code


def check(names: Iterable[str], parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN) -> Findings:
    """Judge every key that the named files define; `-` is standard input, and folders are searched.

    `inputs` are what templates get from outside.

    An interruption ends it early, which is then one of its findings, like everything that could not be judged.
    """
    findings = Findings(parameters=parameters)
    name = ""
    try:
        for name in dict.fromkeys(names):
            if Path(name).is_dir():
                _check_folder(name, parameters, inputs, findings)
            else:
                _check_file(name, parameters, inputs, findings)
    except KeyboardInterrupt:
        reason = "Interrupted here, so that this and what follows is not judged: run it again."
        findings.unjudged.append(Unjudged(Place(shown(name)), reason))
    return findings


def _check_file(name: str, parameters: RuleParameters, inputs: TemplateInputs, findings: Findings) -> None:
    source = shown(name)
    try:
        text = text_in(content_of(name), name)
        contents = detect.read(text, source, parameters, inputs)
    except InputError as error:
        findings.unjudged.append(Unjudged(Place(source, *error.position), str(error)))
        return
    if contents is None:
        reason = detect.POLICY_AS_NO_JSON if detect.seems_policy_as_no_json(text) else NONE_OF_THESE
        findings.unjudged.append(Unjudged(Place(source), reason))
        return
    _take(contents, parameters, findings)
    if not contents.keys:
        findings.remarks.append(f"{source}: There is no KMS key in it.")


def _check_folder(folder: str, parameters: RuleParameters, inputs: TemplateInputs, findings: Findings) -> None:
    """Judge what is in a folder, and pass over what is none of the three kinds of file.

    What is broken or cannot be judged as a whole is passed over only if it does not name KMS; what cannot be read,
    never. Only what begins as JSON does, and YAML that has `Resources`, is known to be broken: other YAML is not
    parsed, and a remark is all there is on it, if it seems to define a key.
    """
    before = len(findings.judged) + len(findings.unjudged)
    recognised = False
    for name in files_below(folder):
        if isinstance(name, InputError):
            findings.unjudged.append(Unjudged(Place(shown(folder)), str(name)))
            continue
        contents = _contents_below(name, parameters, inputs, findings)
        if contents:
            recognised = True
            _take(contents, parameters, findings)
    if len(findings.judged) + len(findings.unjudged) > before:
        return
    if recognised:
        findings.remarks.append(f"{shown(folder)}: There is no KMS key in the files of this folder.")
    else:
        findings.unjudged.append(Unjudged(Place(shown(folder)), NONE_IN_FOLDER))


def _contents_below(
    name: str, parameters: RuleParameters, inputs: TemplateInputs, findings: Findings
) -> Contents | None:
    source = shown(name)
    content = KMS
    try:
        content = content_of(name)
        text = text_in(content, name)
        contents = detect.read(text, source, parameters, inputs)
    except InputError as error:
        # In UTF-16 there is a zero byte beside each letter.
        if KMS in content.replace(b"\0", b"").lower():
            findings.unjudged.append(Unjudged(Place(source, *error.position), str(error)))
        return None
    if contents is None and detect.seems_to_define_a_key(text):
        findings.remarks.append(f"{source}: {PASSED_OVER}")
    return contents


def _take(contents: Contents, parameters: RuleParameters, findings: Findings) -> None:
    for key in contents.keys:
        findings.add([key] if isinstance(key, Unjudged) else findings_on(key, parameters))
    findings.remarks += contents.remarks


def findings_on(key: DefinedKey, parameters: RuleParameters) -> list[Finding]:
    """Judge a key as the rule does, and return the findings on the worst that it may be once it is deployed."""
    verdicts = [judge(candidate.key.facts, parameters) for candidate in key.candidates]
    candidate, verdict = max(
        zip(key.candidates, verdicts, strict=True), key=lambda judged: SEVERITY.index(judged[1].compliance)
    )
    place = _place(key.place, candidate, verdict)
    findings = [
        replace(finding, positions=candidate.statements)
        for finding in findings_of(candidate.key, verdict, parameters, place, candidate.remarks)
    ]
    return [_without_contents(findings[0], verdict, key.place)] if key.hidden else findings


def _place(place: Place, candidate: Candidate, verdict: Verdict) -> Place:
    """Return the place of the first statement that decided, else that of the policy if it decided, or the key's own."""
    if verdict.scenario not in POLICY_SCENARIOS:
        return place
    numbers = [statement.number for statement in verdict.evidence.statements]
    known = [candidate.statements[number - 1] for number in numbers if number <= len(candidate.statements)]
    line, column = next((position for position in (*known[:1], candidate.position) if position.line), (0, 0))
    return replace(place, line=line, column=column) if line else place


def _without_contents(finding: Finding, verdict: Verdict, place: Place) -> Finding:
    """Return the finding without anything that its key's policy and aliases say."""
    return Finding(
        place,
        finding.key_id,
        finding.key_id,
        finding.scenario,
        annotate(replace(verdict, evidence=Evidence()), finding.key_id),
        remarks=(*finding.remarks, HIDDEN_REMARK),
    )
