"""The command `kms-rule check`: judges keys that files define, before they are deployed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from kms_rule import acceptance
from kms_rule.errors import sentence_on
from kms_rule.findings import Finding, Findings, Place, Unjudged, findings_of
from kms_rule.output import printing, write_or_show
from kms_rule.settings import chosen_parameters
from kms_rule.sources.cloudformation.exports import ExportsOfFiles
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs, template_inputs
from kms_rule.sources.contents import Candidate, Contents, DefinedKey, InputError
from kms_rule.sources.detect import OF_NO_ACCOUNT, Other, read
from kms_rule.sources.exclusion import exclusion, is_excluded_by_name, wanted_below
from kms_rule.sources.files import (
    STANDARD_INPUT,
    Exclusion,
    content_of,
    identity_of,
    shown,
    text_in,
)
from kms_rule.sources.relevance import NAMES_KMS, may_matter, names_kms, was_meant_to_matter
from least_privilege.annotation import annotate
from least_privilege.evidence import Evidence
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import POLICY_SCENARIOS, Compliance, Verdict, judge

HIDDEN_REMARK = "It is marked as sensitive, so that nothing of its policy and aliases is shown."
# Of the candidates of one key, the highest is reported.
SEVERITY: Sequence[Compliance] = (Compliance.NOT_APPLICABLE, Compliance.COMPLIANT, Compliance.NON_COMPLIANT)
NO_KEY = "There is no KMS key in it."
NO_KEY_IN_FOLDER = "There is no KMS key in the files of this folder."
INTERRUPTED = "Interrupted here, so that this and what follows is not judged: run it again."


def run(arguments: argparse.Namespace) -> int:
    """Check the files that the arguments name, show what was found, and return the exit code.

    Raises `CommandError` where the parameters or the accepted findings are wrong, or what was found cannot be written.
    """
    # What shows the findings takes its time to load, and the rest of this module is used without it.
    from kms_rule.formats import show_as_asked  # noqa: PLC0415

    parameters, remarks = chosen_parameters(arguments)
    inputs = template_inputs(arguments.template_parameters)
    entries = acceptance.accepted_in(arguments.accept) if arguments.accept else ()
    if arguments.write_accept:
        acceptance.refuse_to_replace(arguments.write_accept)
    findings = check(arguments.files, parameters, inputs, arguments.exclude)
    acceptance.accept(findings, entries, arguments.accept, acceptance.today())
    findings.remarks += remarks
    findings.with_notes = arguments.notes
    show_as_asked(findings, arguments)
    if arguments.write_accept:
        drafted = acceptance.draft(findings, acceptance.today())
        file, written = arguments.write_accept, drafted.encode()
        write_or_show(lambda opened: opened.write(written), file, "the draft is", partial(_print_whole, drafted))
    return findings.exit_code


def _print_whole(text: str) -> bool:
    with printing() as opened:
        opened.write(text)
    return True


def check(
    names: Iterable[str],
    parameters: RuleParameters,
    inputs: TemplateInputs = NOTHING_GIVEN,
    exclude: Sequence[str] = (),
) -> Findings:
    """Judge every key that the named files define; `-` is standard input, and folders are searched.

    `inputs` are what templates get from outside. What fits a glob of `exclude` is left out, in folders also what git
    ignores. An interruption ends it early, which is then one of its findings, like everything that could not be judged.
    """
    names = [*dict.fromkeys(names)]
    is_excluded = exclusion(exclude)
    checking = Checking(parameters, replace(inputs, exports=ExportsOfFiles(names, inputs, is_excluded)), is_excluded)
    name = ""
    try:
        for name in names:
            if Path(name).is_dir():
                checking.folder(name)
            else:
                checking.file(name)
    except KeyboardInterrupt:
        checking.findings.unjudged.append(Unjudged(Place(shown(name)), INTERRUPTED))
    return checking.findings


class Checking:
    """Judges files one after another, each of them once, whatever names it has."""

    def __init__(self, parameters: RuleParameters, inputs: TemplateInputs, is_excluded: Exclusion) -> None:
        """Begin without findings."""
        self.findings = Findings(parameters=parameters)
        self._parameters = parameters
        self._inputs = inputs
        self._is_excluded = is_excluded
        self._seen: set[object] = set()

    def file(self, name: str) -> None:
        """Judge a file that the person named: where it is passed over, a remark says so."""
        if is_excluded_by_name(name, self._is_excluded) or self._was_seen(name):
            return
        source = shown(name)
        found, content = self._found_in(name)
        if isinstance(found, Unjudged) and not was_meant_to_matter(content):
            found = OF_NO_ACCOUNT
        if isinstance(found, Other):
            # Whoever pipes something to the command wants it judged.
            if found.seems_to_define_a_key or name == STANDARD_INPUT:
                self.findings.unjudged.append(Unjudged(Place(source), found.reason))
            else:
                self.findings.remarks.append(f"{source}: {found.remark}")
            return
        self._take(found)
        if isinstance(found, Contents) and not found.keys:
            self.findings.remarks.append(f"{source}: {NO_KEY}")

    def folder(self, folder: str) -> None:
        """Judge what is in a folder, and pass over what is of no account there, which is counted.

        That is also what is broken and does not name KMS; what cannot be read is never passed over. Only what begins as
        JSON does, and YAML that has `Resources`, is known to be broken: other YAML is not parsed.
        """
        before = len(self.findings.judged) + len(self.findings.unjudged)
        for name in wanted_below(folder, self._is_excluded):
            if isinstance(name, InputError):
                self.findings.unjudged.append(Unjudged(Place(shown(folder)), str(name)))
            elif not self._was_seen(name):
                self._file_below(name)
        if len(self.findings.judged) + len(self.findings.unjudged) == before:
            self.findings.remarks.append(f"{shown(folder)}: {NO_KEY_IN_FOLDER}")

    def _file_below(self, name: str) -> None:
        found, content = self._found_in(name, are_many=True)
        if isinstance(found, Other) and found.seems_to_define_a_key:
            self.findings.remarks.append(f"{shown(name)}: {found.remark}")
        elif isinstance(found, Other) or (isinstance(found, Unjudged) and not names_kms(content)):
            self.findings.passed_over += 1
        else:
            self._take(found)
            self.findings.passed_over += isinstance(found, Contents) and not found.keys and not found.remarks

    def _was_seen(self, name: str) -> bool:
        identity = identity_of(name)
        seen = identity in self._seen
        self._seen.add(identity)
        self.findings.looked_at.add(name)
        return seen

    def _found_in(self, name: str, *, are_many: bool = False) -> tuple[Contents | Other | Unjudged, bytes]:
        """Return what is in a file, with its content, or with the name of KMS where that could not be read.

        Where there `are_many`, those that cannot matter are not parsed.
        """
        content = NAMES_KMS
        place = Place(shown(name))
        try:
            content = content_of(name)
            if are_many and not may_matter(content):
                return OF_NO_ACCOUNT, content
            return read(text_in(content, name), place.source, self._parameters, self._inputs), content
        except InputError as error:
            return Unjudged(Place(place.source, *error.position), str(error)), content
        except Exception as error:  # noqa: BLE001 - whatever is odd about one file must not keep others from being judged
            return Unjudged(place, sentence_on(error)), NAMES_KMS

    def _take(self, found: Contents | Unjudged) -> None:
        if isinstance(found, Unjudged):
            self.findings.unjudged.append(found)
            return
        for key in found.keys:
            self.findings.add([key] if isinstance(key, Unjudged) else self._judged(key))
        self.findings.remarks += found.remarks

    def _judged(self, key: DefinedKey) -> Sequence[Finding | Unjudged]:
        try:
            return findings_on(key, self._parameters)
        except Exception as error:  # noqa: BLE001 - nor may one key keep others from being judged
            return [Unjudged(key.place, sentence_on(error))]


def worst(key: DefinedKey, parameters: RuleParameters) -> tuple[Candidate, Verdict]:
    """Judge a key as the rule does, and return the worst that it may be once it is deployed, with its verdict."""
    verdicts = [judge(candidate.key.facts, parameters) for candidate in key.candidates]
    return max(zip(key.candidates, verdicts, strict=True), key=lambda judged: SEVERITY.index(judged[1].compliance))


def findings_on(key: DefinedKey, parameters: RuleParameters) -> list[Finding]:
    """Judge a key as the rule does, and return the findings on the worst that it may be once it is deployed."""
    candidate, verdict = worst(key, parameters)
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
