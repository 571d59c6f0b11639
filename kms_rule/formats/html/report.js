"use strict";

// While the page is read, the table that it ends in need not be laid out: most of its rows leave again.
document.documentElement.classList.add("starting");

addEventListener("DOMContentLoaded", () => {
  try {
    start();
  } finally {
    document.documentElement.classList.remove("starting");
  }
});

function start() {
  const ROWS_AT_ONCE = 100;
  const table = document.querySelector("table.results");
  const body = table.tBodies[0];
  const form = document.querySelector("form");
  // There is a choice of accounts only where there are several.
  const [text, compliance, scenario, account] = form.querySelectorAll("input, select");
  const status = document.querySelector("[role=status]");
  const collator = new Intl.Collator("en", { numeric: true });

  // Rows that are not shown leave the page, and what filters and sorts them is read once.
  const policies = new Map(Array.from(body.querySelectorAll("pre"), (pre) => [pre.id, { pre }]));
  const results = Array.from(body.rows, resultOf);
  let ordered = results;
  let matching = results;
  let limit = ROWS_AT_ONCE;

  function resultOf(row) {
    const [, , place, scenarioCell, said] = row.cells;
    const sentences = Array.from(said.children).filter((child) => child.tagName !== "DETAILS");
    const result = {
      row,
      compliance: row.cells[0].textContent,
      key: row.cells[1].textContent,
      place: place.textContent,
      account: place.textContent.match(/account (\d{12})/)?.[1] ?? "",
      scenario: scenarioCell.querySelector("a").textContent,
      said: sentences.map((sentence) => sentence.textContent).join("\n"),
      policy: policyOf(said),
    };
    const number = scenarioCell.textContent;
    result.searched = [result.compliance, result.key, result.place, number, result.said].join("\n").toLowerCase();
    return result;
  }

  function policyOf(cell) {
    const pre = cell.querySelector("pre");
    const link = cell.querySelector("details a");
    return pre ? pre.id : link ? target(link) : "";
  }

  function target(link) {
    return link.getAttribute("href").slice(1);
  }

  // The policies that hold a word, each of which is searched once however many keys have it.
  function policiesWith(word) {
    const holding = new Set();
    for (const [id, policy] of policies) {
      policy.searched ??= policy.pre.textContent.toLowerCase();
      if (policy.searched.includes(word)) holding.add(id);
    }
    return holding;
  }

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = words.map((word) => ({ word, policies: policiesWith(word) }));
    matching = ordered.filter(
      (result) =>
        (!compliance.value || result.compliance === compliance.value) &&
        (!scenario.value || result.scenario === scenario.value) &&
        (!account?.value || result.account === account.value) &&
        wanted.every(({ word, policies }) => result.searched.includes(word) || policies.has(result.policy)),
    );
    limit = ROWS_AT_ONCE;
    show();
  }

  function show() {
    body.replaceChildren(...matching.slice(0, limit).map((result) => result.row));
    table.hidden = matching.length === 0;
    status.textContent = described();
    more.hidden = matching.length <= limit;
    moreButton.textContent = `Show ${Math.min(ROWS_AT_ONCE, matching.length - limit)} more`;
    allButton.textContent = `Show all ${matching.length.toLocaleString("en")}`;
  }

  function described() {
    const total = results.length.toLocaleString("en");
    const count = matching.length.toLocaleString("en");
    if (results.length === 0) return "No key was judged.";
    if (matching.length === 0) return "No result matches: change or clear the filters.";
    if (matching.length > limit) return `Showing the first ${limit.toLocaleString("en")} of ${count} results.`;
    return matching.length === results.length ? `Showing all ${total} results.` : `Showing ${count} of ${total} results.`;
  }

  // Columns sort by what they show; compliance and scenarios by their order in the filters, which is the rule's.
  const rankIn = (select) => new Map(Array.from(select.options, (option, rank) => [option.value, rank]));
  const by = (field) => (one, other) => collator.compare(one[field], other[field]);
  const byRank = (field, ranks) => (one, other) => ranks.get(one[field]) - ranks.get(other[field]);
  const comparisons = [
    byRank("compliance", rankIn(compliance)),
    by("key"),
    by("place"),
    byRank("scenario", rankIn(scenario)),
    by("said"),
  ];

  function sort(head, compare) {
    const descending = head.ariaSort === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.ariaSort = descending ? "descending" : "ascending";
    ordered = results.toSorted(descending ? (one, other) => compare(other, one) : compare);
    filter();
  }

  function button(label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  }

  const more = document.querySelector(".more");
  const moreButton = button("", () => showUpTo(limit + ROWS_AT_ONCE));
  const allButton = button("", () => showUpTo(Infinity));
  more.append(moreButton, allButton);

  // The keyboard goes on at the first row that was not there before.
  function showUpTo(newLimit) {
    const next = matching[limit];
    limit = newLimit;
    show();
    next.row.querySelector("a").focus();
  }

  // Shows what these filters, each with its value, let through.
  function showOnly(...filters) {
    form.reset();
    for (const [select, value] of filters) select.value = value;
    filter();
    document.getElementById("results").scrollIntoView();
    filters[0][0].focus({ preventScroll: true });
  }

  function open(id) {
    const named = document.getElementById(id);
    if (named instanceof HTMLDetailsElement) named.open = true;
  }

  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    head.replaceChildren(button(head.textContent, () => sort(head, comparisons[column])));
  });

  form.append(
    button("Clear", () => {
      form.reset();
      filter();
      text.focus();
    }),
  );
  text.addEventListener("input", filter);
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;

  for (const details of document.querySelectorAll(".scenarios details")) {
    const name = details.querySelector(".name").textContent;
    if (details.classList.contains("empty")) continue;
    details.lastElementChild.append(button("Show these results", () => showOnly([scenario, name])));
  }

  // Each figure of an account shows the results that it counts, and its name all of them.
  const byAccount = document.querySelector("table.accounts");
  const counted = Array.from(byAccount?.tHead.rows[0].cells ?? [], (head) => head.textContent);
  const choices = new Set(Array.from(compliance.options, (option) => option.value));
  for (const row of byAccount?.tBodies[0].rows ?? []) {
    const name = row.cells[0].textContent;
    Array.from(row.cells).forEach((cell, column) => {
      if (column && (cell.textContent === "0" || !choices.has(counted[column]))) return;
      const filters = [[account, name], [compliance, column ? counted[column] : ""]];
      cell.replaceChildren(button(cell.textContent, () => showOnly(...filters)));
    });
  }

  addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) open(target(link));
  });
  open(location.hash.slice(1));

  // A policy that stands in another row is copied when its fold opens.
  body.addEventListener(
    "toggle",
    ({ target: details }) => {
      const link = details.open && details.querySelector("p a");
      if (!link) return;
      const copy = policies.get(target(link)).pre.cloneNode(true);
      copy.removeAttribute("id");
      link.parentNode.replaceWith(copy);
    },
    true,
  );

  // Paper shows all that matches.
  let limitOnScreen = limit;
  addEventListener("beforeprint", () => {
    limitOnScreen = limit;
    limit = Infinity;
    show();
  });
  addEventListener("afterprint", () => {
    limit = limitOnScreen;
    show();
  });

  show();
}
