"""Runs that overtake each other, events that come twice or late: the newest state wins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dev.emulator.events import key_item
from tests.faults.checks import check_listed
from tests.faults.matrix import PUT_EVALUATIONS
from tests.faults.population import (
    CHANGED,
    COMPLIANT,
    KEY_TYPE,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    OPEN,
    USED,
    PopulatedKey,
    Resource,
    add,
    backend,
    resources_of,
)
from tests.faults.races import CHANGES, Interruption, Race, open_policy
from tests.faults.world import CHANGE, FROM_KMS, Invocation, World, at

NEW = PopulatedKey(77, (), OPEN, NON_COMPLIANT)


def compliance(world: World, *resources: Resource) -> set[str]:
    """Return what AWS Config holds of these resources."""
    check_listed(world)
    results = world.results()
    return {results[resource].compliance for resource in resources}


def test_whichever_run_ends_last_the_newest_state_of_a_key_wins(world: World, race: Race) -> None:
    change, newest = CHANGES[race.change]
    older, newer = world.event(race.overtaken, minutes=0), world.event(race.overtaking, minutes=1)
    runs: list[Invocation] = []

    def overtake() -> None:
        change(world)
        runs.append(world.invoke_meanwhile(newer))

    interruption = Interruption(race.operation, race.number, overtake)
    runs.append(world.invoke(older, interruption))
    assert interruption.happened
    assert [run.error for run in runs] == [None, None]
    assert compliance(world, *resources_of(CHANGED)) == {newest}
    for event in (older, newer, older):
        assert world.invoke(event).error is None
        assert compliance(world, *resources_of(CHANGED)) == {newest}


def use(world: World) -> None:
    """Give the key back the policy that it had."""
    backend(world.account).keys[CHANGED.id].policy = USED


def scheduled(minutes: float) -> Callable[[World], None]:
    """Deliver the event of the schedule of that time."""
    return lambda world: deliver(world, FROM_KMS, minutes)


def changed(minutes: float) -> Callable[[World], None]:
    """Deliver the event of a change of that time."""
    return lambda world: deliver(world, CHANGE, minutes)


def deliver(world: World, kind: str, minutes: float) -> None:
    """Run the handler with an event of that time."""
    assert world.invoke(world.event(kind, minutes)).error is None


@pytest.mark.parametrize(
    ("steps", "newest"),
    [
        pytest.param([open_policy, changed(1), changed(1)], NON_COMPLIANT, id="a change comes twice"),
        pytest.param([open_policy, use, scheduled(2), changed(1)], COMPLIANT, id="a change comes after its undoing"),
        pytest.param([open_policy, use, changed(2), changed(1)], COMPLIANT, id="two changes come the wrong way round"),
        pytest.param(
            [scheduled(0), open_policy, changed(1), scheduled(0)], NON_COMPLIANT, id="an older schedule comes again"
        ),
    ],
)
def test_in_whichever_order_events_come_the_newest_state_wins(
    world: World, steps: list[Callable[[World], None]], newest: str
) -> None:
    for step in steps:
        step(world)
    assert compliance(world, *resources_of(CHANGED)) == {newest}


def test_a_key_that_is_deleted_while_a_run_reports_it_stays_deleted(world: World) -> None:
    scheduled_event = world.event(FROM_KMS, minutes=0, ReportResourceAs="KeyId")
    item = key_item(CHANGED.id, at(1), "ResourceDeleted")
    deletion = world.event(CHANGE, minutes=1, item=item, ReportResourceAs="KeyId")

    def delete() -> None:
        world.delete_key(CHANGED.id)
        assert world.invoke_meanwhile(deletion).error is None

    interruption = Interruption(PUT_EVALUATIONS, 0, delete)
    run = world.invoke(scheduled_event, interruption)
    resource = KEY_TYPE, CHANGED.id
    assert {item["ComplianceType"] for item in run.accepted if item["ComplianceResourceId"] == CHANGED.id} == {
        COMPLIANT,
        NOT_APPLICABLE,
    }
    assert compliance(world, resource) == {NOT_APPLICABLE}


def test_a_key_that_is_created_while_a_run_reports_is_not_taken_back(world: World) -> None:
    creation = world.event(CHANGE, minutes=1, item=key_item(NEW.id, at(1)))

    def create() -> None:
        add(world.account, NEW)
        assert world.invoke_meanwhile(creation).error is None

    interruption = Interruption(PUT_EVALUATIONS, 0, create)
    assert world.invoke(world.event(FROM_KMS, minutes=0), interruption).error is None
    assert compliance(world, (KEY_TYPE, NEW.id)) == {NON_COMPLIANT}
