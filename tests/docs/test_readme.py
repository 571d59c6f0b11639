"""README.md: short, with the post's address, two policies that get what it says of them, and a picture that is true."""

from __future__ import annotations

import re
from html import unescape

from rich.text import Text

from dev.picture import COMMAND, PICTURE, output, policies
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge
from tests.docs.pages import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
POST = (
    "https://aws.amazon.com/blogs/security/"
    "how-to-use-aws-config-to-determine-compliance-of-aws-kms-key-policies-to-your-specifications/"
)
DRAWN = PICTURE.read_text(encoding="utf-8")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_readme_is_read_in_two_minutes() -> None:
    assert len(README.splitlines()) <= 150


def test_readme_says_where_the_post_is() -> None:
    assert POST in README


def test_readmes_policy_fails_and_the_one_beside_it_is_the_same_one_fixed() -> None:
    parameters = RuleParameters.parse({"Admin_User_Id": "AROAEXAMPLEADMIN*"})
    verdicts = [judge(Facts(policy=policy), parameters).scenario.compliance for policy in policies().values()]
    assert verdicts == ["NON_COMPLIANT", "COMPLIANT"]


def test_readme_shows_the_picture() -> None:
    assert f"]({PICTURE.relative_to(PROJECT).as_posix()})" in README


def test_the_picture_has_the_words_that_the_program_prints() -> None:
    title, *drawn = [unescape(text) for text in re.findall(r"<text [^>]*>(.*?)</text>", DRAWN)]
    assert title.replace("\N{NO-BREAK SPACE}", " ") == " ".join(COMMAND)
    printed = Text.from_ansi(output()).plain
    assert words(" ".join(drawn)) == words(printed), "draw it again: .venv/bin/python -m dev.picture"


def test_the_picture_loads_nothing() -> None:
    assert re.findall(r"https?://[^\"]*", DRAWN) == ["http://www.w3.org/2000/svg"]
    assert not re.findall(r"@font-face|@import|href|url\((?!#)", DRAWN)
