"""Terraform plans and states: which policy and aliases each key gets, and what only applying the plan will tell.

The files in `terraform/` are what Terraform itself wrote; `main.tf` beside them says of what.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from kms_rule.findings import ExitCode
from tests.command.checking import (
    DISABLED,
    EVERYTHING_OPEN,
    OPEN,
    SEPARATED,
    UNLIMITED,
    USERS_MAY_USE,
    WHITELISTED,
    Json,
    checked,
    reasons,
    remarks,
    scenarios,
    write,
)
from tests.command.planned import BAD, GOOD, Planned, refers, text

TERRAFORM = Path(__file__).parent / "terraform"
NEW, CHANGED, STATE = (str(TERRAFORM / name) for name in ("new.json", "changed.json", "state.json"))

VERDICTS_ON_NEW = {
    "aws_kms_external_key.external": SEPARATED,
    "alias/Otter-first": WHITELISTED,
    "aws_kms_key.counted[1]": SEPARATED,
    "aws_kms_key.default": OPEN,
    "aws_kms_key.disabled": DISABLED,
    'aws_kms_key.each["a"]': SEPARATED,
    'aws_kms_key.each["b.c"]': SEPARATED,
    "alias/open": OPEN,
    "aws_kms_key.sensitive": "admin-actions-compliant",
    "aws_kms_replica_key.replica": SEPARATED,
    "alias/vault": UNLIMITED,
    "aws_kms_key_policy.elsewhere": SEPARATED,
}


def test_a_plan_is_judged_by_what_it_tells_before_it_is_applied() -> None:
    findings = checked(NEW)
    assert scenarios(findings) == VERDICTS_ON_NEW
    assert reasons(findings) == {
        "aws_kms_key.late": "The policy of aws_kms_key.late is known only after the plan is applied: check the state "
        "then, or give the policy values that are known before."
    }
    assert findings.remarks == [
        f"{NEW}: Which key aws_kms_alias.ambiguous names is certain only once the plan is applied, so that alias is "
        f"attached to none.",
        f"{NEW}: Which keys the 2 aliases of aws_kms_alias.counted name is certain only once the plan is applied, so "
        f"they are attached to none.",
    ]
    assert findings.exit_code == ExitCode.INCOMPLETE


def test_findings_on_a_plan_point_at_the_resources_address() -> None:
    [finding] = [finding for finding in checked(NEW).judged if finding.reported_id == "alias/vault"]
    assert str(finding.place) == f'{NEW} module.vault["x.y"].aws_kms_key.this[0]'


def test_what_is_assumed_about_a_planned_key_is_said() -> None:
    by_id = {finding.reported_id: finding.remarks for finding in checked(NEW).judged}
    assert by_id["aws_kms_key.default"] == (
        "It has no key policy, so KMS gives it the default one.",
        "The name of its alias aws_kms_alias.generated is known only after the plan is applied, so it is not compared "
        "with CMK_Whitelist.",
    )
    assert by_id['aws_kms_key.each["b.c"]'] == ('Its policy is that of aws_kms_key_policy.each["b.c"].',)
    assert by_id["aws_kms_key_policy.elsewhere"] == (
        "Its key is not in this plan, or not known to be, so the policy is judged by itself.",
    )


# Once applied, the policy that depended on a role is known, and which key the alias was given.
AFTERWARDS = {
    "aws_kms_key.late": UNLIMITED,
    "alias/Otter-either": WHITELISTED,
    "aws_kms_key.default": None,
    "alias/counted-0": WHITELISTED,
    "alias/counted-1": SEPARATED,
    "aws_kms_key.counted[1]": None,
}
CHANGES = {
    "aws_kms_key.disabled": OPEN,
    "aws_kms_external_key.external": None,
    "alias/open": None,
    "alias/opened": OPEN,
}


@pytest.mark.parametrize(("file", "different"), [(STATE, AFTERWARDS), (CHANGED, AFTERWARDS | CHANGES)])
def test_a_state_and_a_later_plan_join_by_the_ids_that_are_known_by_then(file: str, different: Json) -> None:
    findings = checked(file)
    expected = {name: scenario for name, scenario in (VERDICTS_ON_NEW | different).items() if scenario}
    assert scenarios(findings) == expected
    assert (findings.unjudged, findings.remarks) == ([], [])


def test_nothing_of_a_sensitive_policy_is_shown() -> None:
    [finding] = [finding for finding in checked(NEW).judged if finding.reported_id == "aws_kms_key.sensitive"]
    assert finding.annotation == (
        "in Key Policy for aws_kms_key.sensitive, statement does have separation of duties, CMK is not whitelisted, "
        "and user id is whitelisted [scenario 6]"
    )
    assert finding.remarks == ("It is marked as sensitive, so that nothing of its policy and aliases is shown.",)
    assert "Hush" not in repr(finding)
    assert "AROAOTTER" not in repr(finding)


# ---------------------------------------------------------------------------------------------------------------------
# Plans made here, in the same form
# ---------------------------------------------------------------------------------------------------------------------


KEY_TYPES = [
    ("aws_kms_key", "policy", "is_enabled"),
    ("aws_kms_external_key", "policy", "enabled"),
    ("aws_kms_replica_key", "policy", "enabled"),
    ("aws_kms_replica_external_key", "policy", "enabled"),
    ("awscc_kms_key", "key_policy", "enabled"),
    ("awscc_kms_replica_key", "key_policy", "enabled"),
]


@pytest.mark.parametrize(("kind", "policy", "enabled"), KEY_TYPES)
def test_every_type_of_key_is_judged_by_its_policy_and_its_state(
    tmp_path: Path, kind: str, policy: str, enabled: str
) -> None:
    plan = Planned()
    plan.add(f"{kind}.good", {policy: text(USERS_MAY_USE), enabled: True})
    plan.add(f"{kind}.off", {policy: text(EVERYTHING_OPEN), enabled: False})
    plan.add(f"{kind}.default", {enabled: None})
    plan.add(f"{kind}.late", {}, {policy: ["var.policy"]})
    plan.add(f"{kind}.late_state", {policy: text(USERS_MAY_USE)}, {enabled: ["var.enabled"]})
    plan.add(f"{kind}.late_but_off", {enabled: False}, {policy: ["var.policy"]})
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {
        f"{kind}.good": SEPARATED,
        f"{kind}.off": DISABLED,
        f"{kind}.default": OPEN,
        f"{kind}.late_state": SEPARATED,
        f"{kind}.late_but_off": DISABLED,
    }
    assert [*reasons(findings)] == [f"{kind}.late"]
    assert "Whether it is enabled is known only after the plan is applied; it is judged as if it is." in remarks(
        findings
    )


def test_a_policy_given_as_an_object_is_judged(tmp_path: Path) -> None:
    findings = Planned().add("awscc_kms_key.a", {"key_policy": EVERYTHING_OPEN}).judged(tmp_path)
    assert scenarios(findings) == {"awscc_kms_key.a": OPEN}


def test_a_policy_that_nobody_configures_is_kms_default_although_terraform_says_known_after_apply(
    tmp_path: Path,
) -> None:
    plan = Planned().add("aws_kms_key.a", {"is_enabled": True})
    plan.content["resource_changes"][0]["change"]["after_unknown"] = {"policy": True}
    assert scenarios(plan.judged(tmp_path)) == {"aws_kms_key.a": OPEN}
    # Without the configuration, nobody can say.
    del plan.content["configuration"]
    assert [*reasons(plan.judged(tmp_path))] == ["aws_kms_key.a"]


# Each row: what an alias refers to, and whether that is certainly the key `a`. There are keys `b` and `aws_kms_key.c`
# with two instances beside it.
REFERENCES: list[tuple[list[str], bool]] = [
    (["aws_kms_key.a.key_id", "aws_kms_key.a"], True),
    (["aws_kms_key.a.arn", "aws_kms_key.a"], True),
    (["aws_kms_key.a.id", "aws_kms_key.a"], True),
    # try(aws_kms_key.a.key_id, aws_kms_key.none[0].key_id), where there is none of that name
    (["aws_kms_key.a.id", "aws_kms_key.a", "aws_kms_key.none[0].id", "aws_kms_key.none[0]", "aws_kms_key.none"], True),
    # aws_kms_key.a[count.index].key_id, where there is but one
    (["aws_kms_key.a", "count.index"], True),
    (["aws_kms_key.a.id", "aws_kms_key.a", "aws_kms_key.b.id", "aws_kms_key.b"], False),
    (["var.which", "aws_kms_key.a.id", "aws_kms_key.a"], False),
    (["aws_kms_key.a.description", "aws_kms_key.a"], False),
    (["aws_kms_key.c", "count.index"], False),
    (["local.key"], False),
    (["module.vault.key_id", "module.vault"], False),
    (["data.aws_kms_key.a.id", "data.aws_kms_key.a"], False),
    (["aws_kms_alias.a.target_key_id", "aws_kms_alias.a"], False),
    (["each.value"], False),
    ([], False),
]


@pytest.mark.parametrize(("references", "certain"), REFERENCES, ids=str)
def test_an_alias_is_attached_only_where_its_references_leave_one_key(
    tmp_path: Path, references: list[str], *, certain: bool
) -> None:
    plan = Planned().add("aws_kms_key.a", BAD).add("aws_kms_key.b", BAD)
    plan.add("aws_kms_key.c", BAD, index=0).add("aws_kms_key.c", BAD, index=1)
    plan.add("aws_kms_alias.otter", {"name": "alias/Otter"}, refers(*references))
    found = scenarios(plan.judged(tmp_path))
    assert ("alias/Otter" in found) == certain
    assert ("aws_kms_key.a" in found) != certain
    assert found["aws_kms_key.b"] == OPEN


# Each row: what two aliases refer to that are instances of one resource, with the keys `a["x"]` and `a["y"]` beside
# them, and which of the two keys is certainly meant. Terraform writes the same for `a[each.key]` and for any other key
# than the one of that index.
THROUGH = {"for_each_expression": {"references": ["aws_kms_key.a"]}}
OF_INSTANCES: list[tuple[list[str], Json, str]] = [
    (["aws_kms_key.a", "each.key"], {}, ""),
    (["each.value.arn", "each.value"], THROUGH, ""),
    (["each.value.arn", "each.value"], {}, ""),
    (["aws_kms_key.a"], {}, ""),
    (['aws_kms_key.a["y"].arn', 'aws_kms_key.a["y"]', "aws_kms_key.a"], {}, "y"),
    # try(aws_kms_key.a["y"].arn, aws_kms_key.a[each.key].arn)
    (['aws_kms_key.a["y"].arn', 'aws_kms_key.a["y"]', "aws_kms_key.a", "aws_kms_key.a", "each.key"], {}, ""),
]


@pytest.mark.parametrize(("references", "more", "whitelisted"), OF_INSTANCES, ids=str)
def test_of_several_instances_none_is_taken_for_the_one_of_the_same_index(
    tmp_path: Path, references: list[str], more: Json, whitelisted: str
) -> None:
    plan = Planned().add("aws_kms_key.a", BAD, index="x").add("aws_kms_key.a", BAD, index="y")
    for index in ("x", "y"):
        plan.add("aws_kms_alias.b", {"name": f"alias/Otter-{index}"}, refers(*references), index, **more)
    findings = plan.judged(tmp_path)
    addresses = [f.place.resource for f in findings.judged if f.scenario.name == WHITELISTED]
    assert [*dict.fromkeys(addresses)] == ([f'aws_kms_key.a["{whitelisted}"]'] if whitelisted else [])
    assert bool(findings.remarks) == (not whitelisted)


def test_of_several_instances_the_one_without_an_id_yet_is_the_one_that_is_not_known(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {**BAD, "key_id": "1"}, index=0).add("aws_kms_key.a", BAD, index=1)
    plan.add("aws_kms_alias.b", {"name": "alias/b", "target_key_id": "1"}, refers("aws_kms_key.a", "count.index"), 0)
    plan.add("aws_kms_alias.b", {"name": "alias/Otter"}, refers("aws_kms_key.a", "count.index"), 1)
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"alias/b": OPEN, "alias/Otter": WHITELISTED}
    assert findings.remarks == []


def test_known_ids_join_and_one_that_two_keys_have_joins_neither(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {**BAD, "key_id": "mrk-1", "arn": "arn:a"})
    plan.add("aws_kms_replica_key.b", {**BAD, "key_id": "mrk-1", "arn": "arn:b"})
    plan.add("aws_kms_key.c", {**BAD, "key_id": "3"})
    for name, target in {"both": "mrk-1", "arn": "arn:b", "three": "3", "other": "4"}.items():
        plan.add(f"aws_kms_alias.{name}", {"name": f"alias/{name}", "target_key_id": target})
    findings = plan.judged(tmp_path)
    assert [*scenarios(findings)] == ["aws_kms_key.a", "alias/arn", "alias/three"]
    assert findings.remarks == [
        f"{tmp_path}/plan.json: aws_kms_alias.both names mrk-1, which several keys are called, so that alias is "
        f"attached to none: name the key by its ARN."
    ]


def test_modules_keep_to_themselves(tmp_path: Path) -> None:
    root = Planned().add("aws_kms_key.a", BAD)
    inner = Planned().add("aws_kms_key.a", BAD)
    inner.add("aws_kms_alias.b", {"name": "alias/Otter"}, refers("aws_kms_key.a.arn", "aws_kms_key.a"))
    inner.add("aws_kms_alias.c", {"name": "alias/Otter-2"}, refers("var.key"))
    module = copy.deepcopy(inner.content["planned_values"]["root_module"])
    for resource in module["resources"]:
        resource["address"] = f"module.vault.module.deep[0].{resource['address']}"
    child = {"address": "module.vault", "child_modules": [{"address": "module.vault.module.deep[0]", **module}]}
    root.content["planned_values"]["root_module"]["child_modules"] = [child]
    deep = {"module": inner.content["configuration"]["root_module"]}
    calls = {"vault": {"module": {"module_calls": {"deep": deep}}}}
    root.content["configuration"]["root_module"]["module_calls"] = calls
    findings = root.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": OPEN, "alias/Otter": WHITELISTED}
    assert findings.judged[1].place.resource == "module.vault.module.deep[0].aws_kms_key.a"
    assert "module.vault.module.deep[0].aws_kms_alias.c" in findings.remarks[0]


def test_a_policy_of_its_own_resource_overrides_the_keys_and_of_two_the_worst_counts(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {**BAD, "key_id": "1"}).add("aws_kms_key.b", {**GOOD, "key_id": "2"})
    plan.add("aws_kms_key.c", {**GOOD, "key_id": "3"}).add("aws_kms_key.d", {**GOOD, "key_id": "4"})
    plan.add("aws_kms_key_policy.a", {**GOOD, "key_id": "1"})
    plan.add("aws_kms_key_policy.b", {**GOOD, "key_id": "2"}).add("aws_kms_key_policy.b2", {**BAD, "key_id": "2"})
    plan.add("aws_kms_key_policy.c", {"key_id": "3"}, {"policy": ["data.x"]})
    plan.add("aws_kms_key_policy.late", {"key_id": "9"}, {"policy": ["data.x"]})
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": SEPARATED, "aws_kms_key.b": OPEN, "aws_kms_key.d": SEPARATED}
    assert [*reasons(findings)] == ["aws_kms_key.c", "aws_kms_key_policy.late"]
    assert "The policy of aws_kms_key_policy.c is known only after" in reasons(findings)["aws_kms_key.c"]


@pytest.mark.parametrize("marks", [{"sensitive_values": {"name": True}}, {"sensitive_values": True}])
def test_a_sensitive_alias_decides_and_is_not_shown(tmp_path: Path, marks: Json) -> None:
    plan = Planned().add("aws_kms_key.a", {**BAD, "key_id": "1"})
    plan.add("aws_kms_alias.a", {"name": "alias/Otter-secret", "target_key_id": "1"})
    plan.content["planned_values"]["root_module"]["resources"][1].update(marks)
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": WHITELISTED}
    assert "Otter-secret" not in repr(findings)


def test_a_value_that_the_change_marks_as_sensitive_is_not_shown_either(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", BAD).add("aws_kms_key_policy.b", {**BAD, "key_id": "elsewhere"})
    for change in plan.content["resource_changes"]:
        change["change"]["after_sensitive"] = {"policy": True}
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": OPEN, "aws_kms_key_policy.b": OPEN}
    assert '"All"' not in repr(findings)


@pytest.mark.parametrize(
    "content",
    [
        {"format_version": "1.0"},
        {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {}}},
        {"format_version": "1.2", "planned_values": {}},
        {"format_version": "1.2", "planned_values": {"root_module": {"resources": "x", "child_modules": [1]}}},
        Planned().add("aws_s3_bucket.a", {"policy": "kms:*"}).content,
    ],
)
def test_a_plan_without_keys_says_so(tmp_path: Path, content: Json) -> None:
    findings = checked(write(tmp_path, "plan.json", content))
    assert findings.remarks == [f"{tmp_path}/plan.json: There is no KMS key in it."]
    assert findings.exit_code == ExitCode.COMPLIANT


def test_data_sources_are_no_keys_of_the_plan(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", BAD)
    plan.content["planned_values"]["root_module"]["resources"][0]["mode"] = "data"
    assert plan.judged(tmp_path).judged == []


def test_a_plan_that_ended_with_an_error_says_that_keys_may_be_missing(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", GOOD)
    plan.content["errored"] = True
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": SEPARATED}
    assert reasons(findings) == {
        "plan.json": "Planning ended with an error, so that keys may be missing: correct it and plan again."
    }


def test_a_plan_larger_than_any_policy_or_template_is_read(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", GOOD).add("aws_s3_object.big", {"content": "x" * 10_000_000})
    assert scenarios(plan.judged(tmp_path)) == {"aws_kms_key.a": SEPARATED}


def test_an_alias_that_kms_does_not_take_whitelists_nothing(tmp_path: Path) -> None:
    plan = Planned().add("aws_kms_key.a", {**BAD, "key_id": "1"})
    plan.add("aws_kms_alias.a", {"name": "Otter", "target_key_id": "1"})
    findings = plan.judged(tmp_path)
    assert scenarios(findings) == {"aws_kms_key.a": OPEN}
    assert remarks(findings) == ["Its alias aws_kms_alias.a is left out: KMS takes no alias of that name."]


@pytest.mark.parametrize("number", [1, 1_200])
def test_a_plan_that_deploys_templates_of_cloudformation_says_that_they_are_not_followed(
    tmp_path: Path, number: int
) -> None:
    plan = Planned()
    for index in range(number):
        plan.add("aws_cloudformation_stack_set.keys", {"template_body": "Resources: {}"}, index=index)
    findings = plan.judged(tmp_path)
    others = "" if number == 1 else " and 1,199 more"
    assert findings.remarks == [
        f"{tmp_path}/plan.json: The templates that aws_cloudformation_stack_set.keys[0]{others} may deploy are not "
        "followed: check them too.",
        f"{tmp_path}/plan.json: There is no KMS key in it.",
    ]
