"""An explanation as a JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.explanation.explanation import (
    AnsweredQuestion,
    Explanation,
    conditions_on_user_id,
    duties_of,
    reason_against,
)
from kms_rule.remediation.remedy import NoProposal, Proposal
from least_privilege.text import quoted

# It stays the same as long as fields are only added.
VERSION = 1

type Json = Mapping[str, Any]


def render(explanation: Explanation) -> str:
    """Write an explanation as a JSON object, in printable ASCII.

    `version` is 1 as long as fields are only added. `remedy` is null where the policy needs none; its `policy` is null
    where none can be proposed, and `reason` says why.
    """
    finding = explanation.finding
    scenario = finding.scenario
    content = {
        "version": VERSION,
        "source": finding.place.source,
        "parameters": explanation.parameters.values(),
        "questions": [_question_as_json(question) for question in explanation.questions],
        "statements": [_statement_as_json(statement) for statement in explanation.statements],
        "administrators": [
            {"userId": each.user_id, "statements": each.statements, "coveredBy": each.covered_by}
            for each in explanation.administrators
        ],
        "verdict": {
            "compliance": finding.compliance.value,
            "scenario": scenario.name,
            "number": scenario.number,
            "annotations": {each.reported_id: each.annotation for each in explanation.findings},
        },
        "remarks": finding.remarks,
        "remedy": _remedy_as_json(explanation.remedy),
        "notJudged": [
            {"statement": each.statement.number, "sid": each.statement.sid, "text": each.text}
            for each in explanation.finding.not_judged
        ],
    }
    return f"{json.dumps(content, indent=2)}\n"


def _question_as_json(question: AnsweredQuestion) -> Json:
    return {
        "scenario": question.scenario.name,
        "number": question.scenario.number,
        "question": question.scenario.question,
        "answer": question.answer,
        "evidence": question.evidence,
    }


def _statement_as_json(statement: Statement) -> Json:
    return {
        "number": statement.number,
        "sid": statement.sid,
        "effect": statement.effect,
        "grants": [
            {"permission": permission.name, "duty": duty.value, "by": statement.granting(permission)}
            for permission, duty in duties_of(statement)
        ],
        "opensAllBy": statement.deciding_actions() if statement.opens_every_action else (),
        "userConditions": [
            {
                "operator": condition.operator,
                "values": [value if isinstance(value, str) else quoted(value) for value in condition.values],
                "counts": condition.is_effective,
                "reason": reason_against(condition),
            }
            for condition in conditions_on_user_id(statement)
        ],
    }


def _remedy_as_json(proposed: Proposal | NoProposal | None) -> Json | None:
    match proposed:
        case None:
            return None
        case Proposal(content, steps):
            return {"reason": None, "steps": steps, "policy": content}
        case NoProposal(reason, steps):
            return {"reason": reason, "steps": steps, "policy": None}
