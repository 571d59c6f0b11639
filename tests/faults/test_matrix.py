"""Every fault of the matrix, over HTTP: nothing is lost, nothing wrongly compliant, and the next run fixes all."""

from __future__ import annotations

from collections.abc import Callable

from tests.aws.fault_layer import Call
from tests.faults import matrix
from tests.faults.checks import check_row, check_same_event_mends
from tests.faults.matrix import ASSUME_ROLE, FOR_KEYS, OUTCOMES, Outcome, Row
from tests.faults.population import CHANGED, KEY_BY_ID, KEYS, resources_of
from tests.faults.world import FROM_CONFIG, FROM_KMS, World


def test_a_fault_costs_no_answer_unnamed_and_the_same_event_mends_it(
    world: World, row: Row, record_property: Callable[[str, object], None]
) -> None:
    record_property("row", str(row))

    def delete(call: Call) -> None:
        world.delete_key(call.subject if call.subject in KEY_BY_ID else CHANGED.id)

    clean = world.clean(row.kind)
    event = world.event(row.kind, ExecutionRoleName="ConfigRole" if row.operation == ASSUME_ROLE else "")
    plan = row.plan(delete)
    run = world.invoke(event, plan)
    assert world.layer.faulted, f"{plan}: nothing was struck"
    struck = {KEY_BY_ID[call.subject] for call in world.layer.faulted} if row.operation in FOR_KEYS else set()
    check_row(world, row, run, clean, struck)
    output = run.output + check_same_event_mends(world, row.kind, event, clean)
    assert world.secrets_in(output) == []


def test_the_clean_runs_say_what_the_table_of_keys_says(world: World) -> None:
    expected = {resource: key.compliance for key in KEYS for resource in resources_of(key)}
    for kind in (FROM_KMS, FROM_CONFIG):
        clean = world.clean(kind)
        assert {resource: clean[resource].compliance for resource in expected} == expected


def test_the_sample_meets_every_operation_every_fault_and_every_outcome() -> None:
    sample = list(matrix.sample())
    assert len(sample) == len(matrix.SAMPLE)
    assert {row.operation for row in sample} == set(OUTCOMES)
    assert {row.fault for row in sample} == {fault for faults in OUTCOMES.values() for fault in faults}
    assert {row.outcome for row in sample} == set(Outcome)
