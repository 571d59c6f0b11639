"""`kms-rule explain` on a key of a live account, and on one key of a template or plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.kms.responses import KmsResponse

from dev.demo.demonstration import create_keys
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import POST_PARAMETERS
from kms_rule.cli import main
from kms_rule.findings import ExitCode
from kms_rule.sources import detect
from kms_rule.sources.contents import DefinedKey

POST = [word for name, value in POST_PARAMETERS.items() for word in ("--parameter", f"{name}={value}")]
FOLDER = Path(__file__).parent
READS = {"kms:DescribeKey", "kms:ListAliases", "kms:GetKeyPolicy", "sts:GetCallerIdentity"}


@pytest.fixture
def keys(account: EmulatedAccount) -> dict[str, str]:
    made = create_keys(account)
    account.config.calls.clear()
    return made


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["explain", "--format", "json", *POST, *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return code, json.loads(shown.out)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    return shown.err.removeprefix("kms-rule: ").strip()


def refused(monkeypatch: pytest.MonkeyPatch, operation: str, code: str = "AccessDeniedException") -> None:
    def answer(_response: KmsResponse) -> str:
        raise JsonRESTError(code, "no")

    monkeypatch.setattr(KmsResponse, operation, answer)


# A live key.


@pytest.mark.parametrize("form", ["{alias}", "{id}", "key/{id}", "arn:aws:kms:us-east-1:123456789012:key/{id}"])
def test_a_live_key_is_explained_by_any_of_its_names(
    account: EmulatedAccount, keys: dict[str, str], capsys: pytest.CaptureFixture[str], form: str
) -> None:
    name = form.format(alias="alias/orders", id=keys["alias/orders"])
    code, content = explained(capsys, "--key", name)
    assert code == ExitCode.NON_COMPLIANT
    assert content["source"] == "account 123456789012, us-east-1"
    assert content["verdict"]["number"] == 4
    assert [*content["verdict"]["annotations"]] == ["alias/orders"]
    assert content["remedy"]["policy"]
    assert {str(call) for call in account.config.calls} == READS


def test_an_alias_s_arn_names_the_region_too(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    code, content = explained(capsys, "--key", "arn:aws:kms:us-east-1:123456789012:alias/payments")
    assert (code, content["verdict"]["number"]) == (ExitCode.COMPLIANT, 5)
    assert content["source"] == "account 123456789012, us-east-1"
    assert keys


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("alias", "number"), [("alias/Otter-EBS", 2), ("alias/retired", 1), ("alias/archive", 6)])
def test_the_verdict_is_that_of_the_key_s_own_state_and_aliases(
    capsys: pytest.CaptureFixture[str], alias: str, number: int
) -> None:
    code, content = explained(capsys, "--key", alias)
    assert (code, content["verdict"]["number"]) == (ExitCode.COMPLIANT, number)
    assert content["statements"]


@pytest.mark.usefixtures("keys")
def test_a_policy_that_may_not_be_read_is_explained_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(monkeypatch, "get_key_policy")
    code, content = explained(capsys, "--key", "alias/payments")
    assert code == ExitCode.NON_COMPLIANT
    assert content["verdict"]["scenario"] == "key-policy-denied-not-compliant"
    assert (content["remedy"], content["statements"]) == (None, [])
    assert main(["explain", "--key", "alias/payments"]) == ExitCode.NON_COMPLIANT
    assert "allow kms:GetKeyPolicy" in capsys.readouterr().out


def test_a_key_that_may_not_be_described_is_explained_by_its_id(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(monkeypatch, "describe_key")
    code, content = explained(capsys, "--key", keys["alias/payments"])
    assert (code, content["verdict"]["number"]) == (ExitCode.COMPLIANT, 5)
    assert error_of(capsys, "--key", "alias/payments") == (
        "The key of alias/payments in us-east-1 cannot be found with kms:DescribeKey: get the permission that AWS "
        "names (AccessDeniedException: no)."
    )


@pytest.mark.usefixtures("keys")
def test_an_internal_error_is_one_sentence(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(monkeypatch, "get_key_policy", "KMSInvalidStateException")
    assert error_of(capsys, "--key", keys["alias/payments"]) == (
        f"The key {keys['alias/payments']} could not be read: run the command again once the cause is gone "
        "(KMSInvalidStateException: no)."
    )


@pytest.mark.usefixtures("keys")
def test_a_key_that_is_not_there_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = "correct its id, ARN or alias, which begins with alias/, or the Region."
    assert error_of(capsys, "--key", "alias/nobody") == f'There is no key "alias/nobody" in us-east-1: {advice}'
    assert error_of(capsys, "--key", "orders") == f'There is no key "orders" in us-east-1: {advice}'
    refused(monkeypatch, "list_aliases", "NotFoundException")
    assert error_of(capsys, "--key", "1234") == f'There is no key "1234" in us-east-1: {advice}'
    refused(monkeypatch, "list_aliases")
    assert error_of(capsys, "--key", "1234") == (
        "The aliases of the key 1234 cannot be listed with kms:ListAliases: get the permission that AWS names "
        "(AccessDeniedException: no)."
    )


@pytest.mark.parametrize("resource", ["alias/payments", "key/{id}"])
def test_a_key_of_another_account_is_not_taken_for_one_of_this(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], resource: str
) -> None:
    arn = f"arn:aws:kms:us-east-1:222222222222:{resource.format(id=keys['alias/payments'])}"
    assert error_of(capsys, "--key", arn) == (
        f"The key {arn} is in another account than 123456789012, which is that of these credentials: name a role of "
        "the key's account with --role-arn, or its profile."
    )


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Nothing is named that could be explained, or too much: name a key policy, or a key with --key."),
        (["a.json", "--key", "b"], "Nothing is named that could be explained, or too much"),
        (["--key", "b", "--alias", "alias/a"], "A live key has its own aliases: leave out --alias."),
        (["--key", "b", "--region", "all"], "An aggregator or a key is in one account and Region"),
        (["a.json#Key", "--alias", "alias/a"], "A key of a template or plan has the aliases that stand there"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert error_of(capsys, *arguments).startswith(sentence)


# A key of a template or plan.

OPEN_KEY = {
    "Type": "AWS::KMS::Key",
    "Properties": {
        "KeyPolicy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
    },
}
ROLE_S_ID = {"Fn::GetAtt": ["Role", "RoleId"]}
ROLE_KEY = {
    "Type": "AWS::KMS::Key",
    "Properties": {
        "KeyPolicy": {
            "Statement": {
                "Effect": "Allow",
                "Action": "kms:Encrypt",
                "Condition": {"StringLike": {"aws:userId": ROLE_S_ID}},
            }
        }
    },
}
UNKNOWN_KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": {"Ref": "Some"}}}}
TEMPLATE = {
    "Resources": {"Open": OPEN_KEY, "OfRole": ROLE_KEY, "Unknown": UNKNOWN_KEY, "Bucket": {"Type": "AWS::S3::Bucket"}}
}


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "a template.json"
    path.write_text(json.dumps(TEMPLATE), encoding="utf-8")
    return str(path)


def test_one_key_of_a_template_is_explained(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, content = explained(capsys, f"{template}#Open")
    assert (code, content["verdict"]["number"]) == (ExitCode.NON_COMPLIANT, 3)
    assert content["remedy"]["policy"]["Statement"]
    _, content = explained(capsys, f"{template}#OfRole")
    assert "known only at deployment" in content["remarks"][0]


def test_the_verdict_is_that_of_check(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", template, "--format", "json", *POST])
    found = json.loads(capsys.readouterr().out)["findings"]
    for each in found:
        verdict = explained(capsys, f"{template}#{each['place']['resource']}")[1]["verdict"]
        assert verdict["annotations"] == {each["id"]: each["annotation"]}
    assert len(found) == 2


def test_one_key_of_a_plan_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    plan = FOLDER / "terraform" / "new.json"
    main(["check", str(plan), "--format", "json", *POST])
    [first, *_] = json.loads(capsys.readouterr().out)["findings"]
    _, content = explained(capsys, f"{plan}#{first['place']['resource']}")
    assert content["verdict"]["compliance"] == first["compliance"]


def test_a_file_whose_name_has_the_sign_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy#1"
    path.write_text(json.dumps(OPEN_KEY["Properties"]["KeyPolicy"]), encoding="utf-8")  # type: ignore[index]
    assert explained(capsys, str(path))[1]["verdict"]["number"] == 3


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Bucket", 'has no key "Bucket": name one that it has (Open, OfRole, Unknown).'),
        ("", 'has no key "": name one that it has (Open, OfRole, Unknown).'),
        ("Unknown", "known only at deployment"),
    ],
)
def test_a_key_that_cannot_be_explained_is_one_sentence(
    template: str, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    assert sentence in error_of(capsys, f"{template}#{name}")


def test_a_file_without_keys_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read (No such file or directory)" in error_of(capsys, f"{tmp_path}/none.json#Key")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    assert 'has no key "Key": name one that it has (none).' in error_of(capsys, f"{tmp_path}/other.json#Key")


def test_nothing_of_a_sensitive_key_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = detect.read

    def hidden(*arguments: Any) -> Any:
        contents: Any = read(*arguments)
        keys = [replace(key, hidden=True) for key in contents.keys if isinstance(key, DefinedKey)]
        return replace(contents, keys=tuple(keys))

    plan = FOLDER / "terraform" / "new.json"
    main(["check", str(plan), "--format", "json", *POST])
    [first, *_] = json.loads(capsys.readouterr().out)["findings"]
    monkeypatch.setattr(detect, "read", hidden)
    sentence = error_of(capsys, f"{plan}#{first['place']['resource']}")
    assert sentence.endswith("It is marked as sensitive, so that nothing of it is shown.")
