"""What a plan does not tell is never taken for known, such as which key a policy names, and what Terraform leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_rule.findings import ExitCode
from kms_rule.sources.terraform import plan_resources
from tests.command.checking import OPEN, SEPARATED, WHITELISTED, Json, checked, reasons, remarks, scenarios, write
from tests.command.planned import BAD, GOOD, Planned, refers

BY_INDEX = ["aws_kms_key.a", "count.index"]


def policies_by_index(*policies: Json) -> Planned:
    """As many keys as policies, each of which names one of the keys by an index."""
    plan = Planned()
    for index, policy in enumerate(policies):
        plan.add("aws_kms_key.a", {"is_enabled": True}, index=index)
        plan.add("aws_kms_key_policy.b", policy, {"key_id": BY_INDEX}, index)
    return plan


def test_policies_of_several_keys_are_theirs_where_all_are_the_same(tmp_path: Path) -> None:
    findings = policies_by_index(GOOD, GOOD).judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a[0]": SEPARATED, "aws_kms_key.a[1]": SEPARATED}
    assert remarks(findings) == [
        "Its policy is that of aws_kms_key_policy.b[0].",
        "Its policy is that of aws_kms_key_policy.b[1].",
    ]


@pytest.mark.parametrize("policies", [(GOOD, BAD), (GOOD, {})], ids=["another", "none"])
def test_a_key_whose_policy_may_be_one_of_several_is_not_judged_and_each_of_them_is(
    tmp_path: Path, policies: tuple[Json, ...]
) -> None:
    findings = policies_by_index(*policies).judged(tmp_path)
    assert [*reasons(findings)][:2] == ["aws_kms_key.a[0]", "aws_kms_key.a[1]"]
    assert reasons(findings)["aws_kms_key.a[0]"] == (
        "Its policy may be that of aws_kms_key_policy.b[0], and which key that names is certain only once the plan is "
        "applied: check the state then."
    )
    assert scenarios(findings)["aws_kms_key_policy.b[0]"] == SEPARATED


def test_more_keys_than_policies_are_not_judged(tmp_path: Path) -> None:
    plan = policies_by_index(GOOD, GOOD).add("aws_kms_key.a", {"is_enabled": True}, index=2)
    assert [*reasons(plan.judged(tmp_path))] == ["aws_kms_key.a[0]", "aws_kms_key.a[1]", "aws_kms_key.a[2]"]


def test_where_a_policy_may_be_that_of_any_key_none_is_said_to_have_the_default_one(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.bare", {"is_enabled": True}).add("aws_kms_key.own", GOOD)
    plan.add("aws_kms_key.off", {"is_enabled": False})
    plan.add("aws_kms_key_policy.b", BAD, {"key_id": ["local.key"]})
    findings = plan.judged(tmp_path)
    assert [*reasons(findings)] == ["aws_kms_key.bare"]
    assert scenarios(findings) == {
        "aws_kms_key.own": SEPARATED,
        "aws_kms_key.off": "disabled-cmk-not-applicable",
        "aws_kms_key_policy.b": OPEN,
    }


def test_what_terraform_forgets_is_judged_by_what_it_is(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {}).add("aws_kms_key.b", {}).add("aws_kms_alias.c", {})
    before = [
        {**BAD, "key_id": "1"},
        {**BAD, "key_id": "2"},
        {"name": "alias/Otter", "target_key_id": "1"},
    ]
    resources = plan.content["planned_values"]["root_module"]["resources"]
    for resource, change, values in zip(resources, plan.content["resource_changes"], before, strict=True):
        del resource["values"]
        change["change"] = {"actions": ["forget"], "before": values, "after": None, "before_sensitive": {}}
    plan.content["resource_changes"][1]["change"]["before_sensitive"] = {"policy": True}
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"alias/Otter": WHITELISTED, "aws_kms_key.b": OPEN}
    assert (
        "Terraform leaves it as it is and will not manage it any more, so it is judged by what it is now."
        in remarks(findings)
    )
    assert '"All"' not in repr(findings.judged[1])


def test_a_key_without_values_has_no_default_policy(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {})
    del plan.content["planned_values"]["root_module"]["resources"][0]["values"]
    findings = plan.judged(tmp_path)
    assert reasons(findings) == {
        "aws_kms_key.a": "The plan does not say what will become of it: check what is deployed with kms-rule scan."
    }


def test_what_becomes_of_a_deposed_object_is_not_what_becomes_of_the_key(tmp_path: Path) -> None:
    plan = Planned().add(
        "aws_kms_key.a", {"is_enabled": True}, {"policy": ["aws_iam_role.app.arn", "aws_iam_role.app"]}
    )
    deposed = {"address": "aws_kms_key.a", "deposed": "0a1b2c3d"}
    plan.content["resource_changes"].append({**deposed, "change": {"actions": ["delete"], "after_unknown": {}}})
    findings = plan.judged(tmp_path)
    assert [*reasons(findings)] == ["aws_kms_key.a"]
    assert (findings.judged, findings.exit_code) == ([], ExitCode.INCOMPLETE)


def test_nothing_refers_to_a_deposed_object_but_by_its_id(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", BAD).add("aws_kms_key.a", {**GOOD, "key_id": "1"})
    plan.content["planned_values"]["root_module"]["resources"][1]["deposed_key"] = "0a1b2c3d"
    plan.add("aws_kms_key.b", BAD).add("aws_kms_key.b", GOOD)
    plan.content["planned_values"]["root_module"]["resources"][3]["deposed_key"] = "0a1b2c3d"
    for name in ("a", "b"):
        references = refers(f"aws_kms_key.{name}.arn", f"aws_kms_key.{name}")
        plan.add(f"aws_kms_alias.{name}", {"name": f"alias/{name}"}, references)
    plan.add("aws_kms_alias.old", {"name": "alias/old", "target_key_id": "1"})
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {
        "alias/a": OPEN,
        "alias/old": SEPARATED,
        "alias/b": OPEN,
        "aws_kms_key.b (deposed object 0a1b2c3d)": SEPARATED,
    }


INCOMPLETE = "{}: The plan is not complete{}, so keys may be missing: plan without -target, or again after applying."


@pytest.mark.parametrize(
    ("types", "named"),
    [
        ([], ""),
        (["aws_s3_bucket"], ""),
        (["aws_kms_key", "aws_s3_bucket", "aws_kms_alias"], "; Terraform defers aws_kms_key.d, aws_kms_alias.d"),
    ],
)
def test_an_incomplete_plan_says_that_keys_may_be_missing(tmp_path: Path, types: list[str], named: str) -> None:
    plan = Planned().add("aws_kms_key.a", GOOD)
    deferred = [{"resource_change": {"address": f"{kind}.d", "mode": "managed", "type": kind}} for kind in types]
    plan.content |= {"complete": False, "deferred_changes": deferred}
    findings = plan.judged(tmp_path)
    assert findings.remarks == [INCOMPLETE.format(f"{tmp_path}/plan.json", named)]
    assert findings.exit_code == ExitCode.COMPLIANT


def nested(depth: int) -> Json:
    """A plan of modules within each other, with an open key in the innermost."""
    key = {"address": "aws_kms_key.a", "mode": "managed", "type": "aws_kms_key", "name": "a", "values": BAD}
    values: Json = {"address": "module.m", "resources": [key]}
    configuration: Json = {}
    for _ in range(depth):
        values = {"address": "module.m", "child_modules": [values]}
        configuration = {"module_calls": {"m": {"module": configuration}}}
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": values},
        "configuration": {"root_module": configuration},
    }


def test_modules_nested_too_deeply_are_not_judged(tmp_path: Path) -> None:
    limit = plan_resources.MAX_MODULE_DEPTH
    assert scenarios(checked(write(tmp_path, "deep.json", nested(limit)))) == {"aws_kms_key.a": OPEN}
    # One that json.dumps can write, and the walk through it could not take if it were recursive.
    findings = checked(write(tmp_path, "deeper.json", nested(limit + 1)))
    assert reasons(findings) == {
        "deeper.json": "Its modules are nested more than 100 deep: plan the inner ones by themselves."
    }


def test_an_alias_whose_beginning_is_whitelisted_whitelists_its_key(tmp_path: Path) -> None:
    plan = Planned()
    for name, beginning in {"a": "alias/Otter-", "b": "alias/Beaver-", "c": "alias/Otter.", "d": None}.items():
        plan.add(f"aws_kms_key.{name}", BAD)
        values = {"name_prefix": beginning} if beginning else {}
        references = refers(f"aws_kms_key.{name}.arn", f"aws_kms_key.{name}")
        plan.add(f"aws_kms_alias.{name}", values, references)
    findings = plan.judged(tmp_path)
    assert [f.place.resource for f in findings.judged if f.scenario.name == WHITELISTED] == ["aws_kms_key.a"]
    assert (
        "The name of its alias aws_kms_alias.a is known only after the plan is applied (alias/Otter-<generated>): "
        "whatever it will be, it fits CMK_Whitelist."
    ) in remarks(findings)
    assert sum("so it is not compared with CMK_Whitelist" in remark for remark in remarks(findings)) == len("bcd")


@pytest.mark.parametrize("policy", [GOOD, BAD])
def test_expressions_that_refer_to_each_other_in_a_circle_or_to_nothing_are_followed_to_their_end(
    tmp_path: Path, policy: Json
) -> None:
    plan = Planned().add("aws_kms_key.a", policy)
    references = ["module.m.out", "module.m", "each.value.x", "each.value", "module.none.x", "var.x", "data", "", "."]
    for number, reference in enumerate(references):
        plan.add(f"aws_kms_alias.b{number}", {"name": "alias/Otter"}, refers(reference))
    out = {"expression": {"references": ["var.in"]}}
    call = {
        "expressions": {"in": {"references": ["module.m.out", "module.m"]}},
        "module": {"outputs": {"out": out}},
    }
    plan.content["configuration"]["root_module"]["module_calls"] = {"m": call}
    findings = plan.judged(tmp_path)
    assert [*scenarios(findings)] == ["aws_kms_key.a"]
    assert len(findings.remarks) == len(references)
