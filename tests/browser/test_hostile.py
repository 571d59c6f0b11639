"""Whatever a policy, an alias, a path or a reason holds: it shows as text, and nothing of it runs or loads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dev.demo.example_keys import policy, statement
from kms_rule.findings import Finding, Findings, Place, Unjudged
from least_privilege.key import Facts, Key
from tests.browser.reports import MADE, PARAMETERS, findings, page, unknown_scenario

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

# What each text looks like is what it is, but for characters that cannot be seen.
HOSTILE = [
    ("<script>pwned = 1</script>", None),
    ("</script><script>pwned = 1</script>", None),
    ("</style><img src=x onerror='pwned = 1'>", None),
    ("</pre></code></details></td></table><svg onload=pwned=1>", None),
    ('"><img src="https://example.com/x.png" onerror="pwned = 1">', None),
    ("' autofocus onfocus='pwned = 1", None),
    ("<!-- <script>pwned = 1</script>", None),
    ("--><script>pwned = 1</script>", None),
    ("<![CDATA[<script>pwned = 1</script>]]>", None),
    ("&lt;b&gt; &amp; &quot; &#60;script&#62; &copy; &nbsp", None),
    ("<plaintext><xmp><noscript><template><math><mi>", None),
    ("<base href=https://example.com/><meta http-equiv=refresh content=0;url=https://example.com/>", None),
    ("<link rel=stylesheet href=https://example.com/x.css><iframe src=https://example.com/></iframe>", None),
    ("javascript:pwned=1", None),
    ("$pwned ${pwned} {pwned} %(pwned)s {{ pwned }} <% pwned %>", None),
    ("line\u2028and\u2029paragraph", "line\\u2028and\\u2029paragraph"),
    ("nul \x00, bell \x07, next \x85 line", "nul \\u0000, bell \\u0007, next \\u0085 line"),
    ("escape \x1b[2J, delete \x7f", "escape \\u001b[2J, delete \\u007f"),
    ("right\u202eto\u202cleft", "right\\u202eto\\u202cleft"),
    ("\u2066isolate\u2069 \u200fmark", "\\u2066isolate\\u2069 \\u200fmark"),
    ("zero\u200bwidth\ufeff and\u00a0no break", "zero\\u200bwidth\\ufeff and\\u00a0no break"),
    ("lone \ud800 surrogate, tag \U000e0041", "lone \\ud800 surrogate, tag \\udb40\\udc41"),
    ("Schlüssel \U0001f511 鍵 مفتاح", None),
]
TEXTS = [shown or text for text, shown in HOSTILE]


def named_like(text: str, number: int) -> Finding:
    """Make a result that has this text wherever a text from outside can stand."""
    place = Place(text, number, 1, text)
    scenario = unknown_scenario("{id}")
    return Finding(place, text, text, scenario, text, policy=text, remarks=(text,), recorded=MADE)


@pytest.fixture
def hostile(browser: Browser) -> Browser:
    texts = [text for text, _ in HOSTILE]
    browser.open(
        page(
            Findings(
                judged=[named_like(text, number) for number, text in enumerate(texts, 1)],
                unjudged=[Unjudged(Place(text, resource=text), text) for text in texts],
                remarks=texts,
                parameters=PARAMETERS,
            )
        )
    )
    return browser


def test_hostile_texts_show_as_they_are_wherever_they_stand(hostile: Browser) -> None:
    assert hostile.keys() == TEXTS
    assert hostile.texts("td:nth-child(3) code") == TEXTS
    assert hostile.texts("td:nth-child(3) p") == [f"{text}:{number}:1" for number, text in enumerate(TEXTS, 1)]
    assert hostile.texts("td:nth-child(5) > p:first-child") == TEXTS
    assert hostile.texts("td li") == TEXTS
    assert hostile.texts("td pre") == TEXTS
    assert hostile.texts("section.unjudged .place") == TEXTS
    assert hostile.texts("section.unjudged code") == TEXTS
    assert hostile.texts("section.unjudged .place ~ p") == TEXTS
    assert hostile.texts("[aria-labelledby=remarks] li") == TEXTS


def test_nothing_of_hostile_texts_runs_or_loads(hostile: Browser) -> None:
    hostile.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert hostile.run("return typeof pwned") == "undefined"
    assert hostile.complaints() == []
    assert hostile.requests() == [hostile.driver.current_url]
    assert len(hostile.texts("script")) == 1
    assert hostile.texts("img, iframe, base, link, object, embed, svg[onload]") == []


def test_hostile_texts_can_be_filtered_for_and_sorted(hostile: Browser) -> None:
    hostile.labelled("Text in results and policies").send_keys("</style><img")
    assert hostile.keys() == ["</style><img src=x onerror='pwned = 1'>"]
    hostile.button("Clear").click()
    for label in ("Key", "Place", "Scenario", "What the rule says"):
        hostile.button(label, "thead").click()
        assert sorted(hostile.keys()) == sorted(TEXTS)
    assert hostile.complaints() == []


def test_a_hostile_statement_is_marked_and_named_as_text(browser: Browser) -> None:
    sid = '</mark></pre><script>pwned = 1</script>\u202e\u2028"]}'
    content = policy({**statement(sid, ["kms:*"], "*"), "Resource": "</script>"})
    key = Key("1", Facts(("alias/<img src=x onerror=pwned=1>",), policy=json.dumps(content, ensure_ascii=False)))
    browser.open(page(findings([key])))
    marked = browser.open_policy(browser.one("tbody")).find_element("css selector", "mark").text
    assert '"Sid": "</mark></pre><script>pwned = 1</script>\\u202e\\u2028\\"]}"' in marked
    assert '"Resource": "</script>"' in marked
    assert browser.run("return typeof pwned") == "undefined"
    assert browser.complaints() == []


def test_letters_written_from_right_to_left_do_not_rearrange_a_policy(browser: Browser) -> None:
    content = '{"Statement": {"Effect": "Allow", "Action": "kms:*", "Sid": "אבג", "ד": "x"}}'
    browser.open(page(findings([Key("1", Facts(policy=content))])))
    browser.open_policy(browser.one("tbody"))
    left_of = """
        const node = document.createTreeWalker(document.querySelector("mark"), NodeFilter.SHOW_TEXT).nextNode();
        return Array.from(arguments[0], (letter) => {
            const range = document.createRange();
            range.setStart(node, node.data.indexOf(letter));
            range.setEnd(node, node.data.indexOf(letter) + 1);
            return range.getBoundingClientRect().left;
        });
    """
    positions = browser.run(left_of, "אבג")
    assert positions == sorted(positions)
    assert positions[0] < positions[-1]


# What is tried, and which part of the page's policy answers.
FORBIDDEN = [
    ("add('script', {textContent: 'pwned = 1'})", "require-trusted-types-for"),
    ("document.body.innerHTML = '<b>text</b>'", "require-trusted-types-for"),
    ("document.body.setAttribute('onclick', 'pwned = 1'); document.body.click()", "require-trusted-types-for"),
    ("setTimeout('pwned = 1')", "require-trusted-types-for"),
    ("add('style', {textContent: 'p { color: red }'})", "style-src-elem"),
    ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
    ("add('img', {src: 'https://example.com/x.png'})", "img-src"),
    ("add('iframe', {src: 'https://example.com/'})", "frame-src"),
    ("add('form', {action: 'https://example.com/'}).submit()", "form-action"),
    ("add('base', {href: 'https://example.com/'})", "base-uri"),
    ("fetch('https://example.com/').catch(() => {})", "connect-src"),
]


@pytest.mark.parametrize(("attempt", "answer"), FORBIDDEN, ids=[row[0] for row in FORBIDDEN])
def test_the_page_forbids_what_it_does_not_need(examples: Browser, attempt: str, answer: str) -> None:
    directive = examples.driver.execute_async_script(
        f"""
        const done = arguments[0];
        const add = (tag, fields) => document.body.appendChild(Object.assign(document.createElement(tag), fields));
        document.addEventListener("securitypolicyviolation", (violation) => done(violation.effectiveDirective));
        setTimeout(() => {{ {attempt}; }});
        """
    )
    assert directive == answer
    assert examples.run("return typeof pwned") == "undefined"


def test_what_is_no_json_shows_with_its_own_line_breaks(browser: Browser) -> None:
    browser.open(page(findings([Key("1", Facts(policy="\n\n{\n\t<b>\n"))])))
    assert browser.texts("tbody pre") == ["\n\n{\n\t<b>\n"]
