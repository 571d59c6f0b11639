"""What must hold after a run that something disturbed, whatever it was."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from tests.faults.matrix import DESCRIBE_KEY, GET_KEY_POLICY, Outcome, Row
from tests.faults.population import (
    CHANGED,
    COMPLIANT,
    NOT_APPLICABLE,
    STALE,
    PopulatedKey,
    Resource,
    resources_of,
)
from tests.faults.world import CHANGE, Invocation, Json, Results, World, resource_of, result_of

RERUNS = 2  # as Lambda runs an event again that failed
MORE = re.compile(r"and (\d+) more")
RAISES = frozenset({Outcome.NAMES_KEYS, Outcome.NAMES_RESULTS, Outcome.NAMES_OPERATION})
# The permission that an answer for a struck key must name.
MISSING: Mapping[Outcome, str] = {Outcome.METADATA_DENIED: DESCRIBE_KEY, Outcome.POLICY_DENIED: GET_KEY_POLICY}


def asked_for(world: World, kind: str) -> list[PopulatedKey]:
    """Return the keys that exist and that an invocation of this kind is to answer for."""
    return [key for key in world.keys if kind != CHANGE or key == CHANGED]


def check_row(world: World, row: Row, run: Invocation, clean: Results, struck: Collection[PopulatedKey]) -> None:
    """Check what a row of the matrix promises, of which the keys `struck` were."""
    assert (run.error is not None) == (row.outcome in RAISES), run.message
    check_answered_or_named(world, row, run)
    check_struck(world, row, run, struck)
    check_no_harm(world, row.kind, run, clean, struck if row.outcome in MISSING else ())
    if row.outcome is Outcome.METADATA_DENIED:
        # The specification's exception, which must not be one that no test meets: a disabled key became compliant.
        assert row.kind == CHANGE or wrongly_compliant(run, clean)


def check_answered_or_named(world: World, row: Row, run: Invocation) -> None:
    """Check that every key that exists has an answer under each of its ids, or that the error names it.

    Where the operation failed as a whole, its name is enough.
    """
    answered = set(map(resource_of, run.accepted))
    unnamed = [
        resource_id
        for key in asked_for(world, row.kind)
        for _, resource_id in resources_of(key) - answered
        if key.id not in run.message and resource_id not in run.message
    ]
    if row.outcome is Outcome.NAMES_OPERATION:
        assert row.operation in run.message
    else:
        assert len(unnamed) <= sum(map(int, MORE.findall(run.message))), f"neither answered nor named: {unnamed}"


def check_struck(world: World, row: Row, run: Invocation, struck: Collection[PopulatedKey]) -> None:
    """Check what becomes of the keys that were struck, and that it becomes of no other."""
    annotations = {resource_of(evaluation): evaluation["Annotation"] for evaluation in run.accepted}
    if row.outcome is Outcome.NAMES_KEYS:
        unanswered = resources_of(*asked_for(world, row.kind)) - annotations.keys()
        assert unanswered == resources_of(*struck)
        assert [key.id for key in struck if key.id not in run.message] == []
    if row.outcome is Outcome.KEY_LEFT_OUT:
        gone = [key for key in struck if key not in world.keys]
        assert gone
        assert not {item for item, text in annotations.items() if item in resources_of(*gone) and is_answer(text)}
    if permission := MISSING.get(row.outcome):
        assert [item for item in resources_of(*struck) if permission not in annotations[item]] == []


def is_answer(annotation: str) -> bool:
    """Return whether an annotation is about a key, not about one that is gone."""
    return not annotation.startswith("Nothing of this rule is reported")


def check_no_harm(
    world: World, kind: str, run: Invocation, clean: Results, excepted: Collection[PopulatedKey] = ()
) -> None:
    """Check that no answer is wrong, that nothing held is lost, and that only a complete run took results back.

    For the keys `excepted`, answers may differ from the clean run's, but must never be silently COMPLIANT.
    """
    answers: dict[Resource, str] = {}
    for evaluation in run.accepted:
        compliance = answers.setdefault(resource_of(evaluation), evaluation["ComplianceType"])
        assert compliance == evaluation["ComplianceType"], f"two answers for {resource_of(evaluation)}"
    assert [item for item in wrongly_compliant(run, clean) if DESCRIBE_KEY not in item["Annotation"]] == []
    existing = resources_of(*world.keys)
    differing = {
        resource
        for evaluation in run.accepted
        if (resource := resource_of(evaluation)) in existing and result_of(evaluation) != clean[resource]
    }
    assert differing <= resources_of(*excepted)
    check_nothing_lost(world, kind, run, clean)
    check_listed(world)


def check_listed(world: World) -> None:
    """Check that AWS Config lists what it took: the newest result of each resource but for those not applicable."""
    newest = {item: result for item, result in world.results().items() if result.compliance != NOT_APPLICABLE}
    assert world.listed() == newest


def wrongly_compliant(run: Invocation, clean: Results) -> list[Mapping[str, str]]:
    """Return the evaluations that are COMPLIANT, but not so in the clean run."""
    return [
        evaluation
        for evaluation in run.accepted
        if evaluation["ComplianceType"] == COMPLIANT and clean[resource_of(evaluation)].compliance != COMPLIANT
    ]


def check_nothing_lost(world: World, kind: str, run: Invocation, clean: Results) -> None:
    """Check that AWS Config still holds what it held, and that only a complete run took back what is stale."""
    results = world.results()
    asked = resources_of(*asked_for(world, kind))
    withdrawn = {resource for resource, result in results.items() if result.compliance == NOT_APPLICABLE}
    not_applicable = {resource for resource in asked if clean[resource].compliance == NOT_APPLICABLE}
    assert withdrawn & resources_of(*world.keys) <= not_applicable
    stale = withdrawn & set(STALE)
    if stale:
        assert kind != CHANGE
        assert asked <= set(map(resource_of, run.accepted)), "results were taken back by a run that was not complete"
    if kind != CHANGE and not run.error:
        assert stale == set(STALE)


def check_same_event_mends(world: World, kind: str, event: Json, clean: Results) -> str:
    """Check that the event, run again undisturbed, ends in the clean run's results; return what was logged."""
    expected = settled(world, kind, clean)
    output = ""
    for _ in range(RERUNS):
        again = world.invoke(event)
        assert again.error is None
        assert {resource: result.compliance for resource, result in world.results().items()} == expected
        assert [item for item in map(resource_of, again.accepted) if item not in expected] == []
        output += again.output
    check_listed(world)
    return output


def settled(world: World, kind: str, clean: Results) -> dict[Resource, str]:
    """Return the compliance that AWS Config must hold of everything once the event has run again undisturbed."""
    asked = {resource: clean[resource].compliance for resource in resources_of(*asked_for(world, kind))}
    now = {resource: result.compliance for resource, result in world.results().items()}
    if kind != CHANGE:
        return dict.fromkeys(now, NOT_APPLICABLE) | asked
    untouched = world.held_before.keys() - resources_of(CHANGED)
    return now | {resource: world.held_before[resource].compliance for resource in untouched} | asked
