"""Which accounts and Regions an aggregator knows, and where what it knows is not what is there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_rule.ages import ago
from kms_rule.errors import CommandError
from kms_rule.findings import Place, Unjudged
from kms_rule.sources.aggregator.calls import Aggregator, Json, Where
from least_privilege.text import escaped

# AWS Config updates an aggregator all the time, and what changes least, a daily recorder's items, once a day.
MAX_AGE = timedelta(hours=25)
MAX_NAMED = 10
CURRENT = "SUCCEEDED"
FAILED = "FAILED"
ACCOUNT = "ACCOUNT"
NOT_COVERED = "The aggregator does not collect from there"
ADD_IT = "its {}: add it to the sources, and authorize the aggregator there."


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an aggregator collects from.

    `sources` are the accounts and Regions that it names. `problems` say, in the beginning of a sentence, why
    it does not know what is there now; they may be of places that are not among the sources. `unjudged` and `remarks`
    are what else people must know.
    """

    sources: frozenset[Where]
    problems: Mapping[Where, str]
    unjudged: tuple[Unjudged, ...] = ()
    remarks: tuple[str, ...] = ()

    def problem(self, where: Where) -> str:
        """Return why what is known of a place is not what is there now, or nothing where it is."""
        return self.problems.get(where, "" if where in self.sources else NOT_COVERED)


def source_of(where: Where) -> str:
    """Return what findings call an account and Region."""
    account, region = where
    return f"account {account}, {region}"


def named(places: Iterable[Where]) -> str:
    """Return the first places as a sentence names them, and how many more there are."""
    sources = [source_of(where) for where in sorted(places)]
    more = len(sources) - MAX_NAMED
    return f"{'; '.join(sources[:MAX_NAMED])}{f' and {more:,} more places' if more > 0 else ''}"


def coverage(aggregator: Aggregator, now: datetime, enabled_regions: Callable[[], Iterable[str]]) -> Coverage:
    """Return what the aggregator collects from at this time, which has a time zone.

    `enabled_regions` lists the Regions that are enabled in the aggregator's account; it is asked only where the
    aggregator has a list of Regions, and may raise `CommandError`. Raises `CommandError` where the aggregator has no
    source, or cannot be read.
    """
    described = aggregator.described()
    statuses = [*aggregator.sources()]
    by_place = {(each["SourceId"], each["AwsRegion"]): each for each in statuses if each["SourceType"] == ACCOUNT}
    if not by_place:
        raise CommandError(
            f"The {aggregator} has no sources: let it collect from accounts or an organization, and authorize it there."
        )
    accounts, regions = _expected(described, by_place)
    problems = {where: _problem(status, now) for where, status in by_place.items()}
    problems |= {
        (account, region): NOT_COVERED
        for account in accounts
        for region in regions
        if (account, region) not in by_place
    }
    unjudged = [Unjudged(Place(str(aggregator)), text) for text in _of_organization(statuses, now)]
    remarks = []
    if not _collects_from_all_regions(described):
        try:
            missing = sorted(set(enabled_regions()) - set(regions))
        except CommandError as error:
            remarks.append(f"Whether the {aggregator} collects from every enabled Region is not known. {error}")
        else:
            unjudged += [Unjudged(Place(str(aggregator)), _not_collected(missing))] if missing else []
    return Coverage(
        frozenset(by_place),
        {where: text for where, text in sorted(problems.items()) if text},
        tuple(unjudged),
        tuple(remarks),
    )


def _definitions(described: Json) -> list[Json]:
    organization = described.get("OrganizationAggregationSource")
    return [*described.get("AccountAggregationSources", ()), *([organization] if organization else [])]


def _collects_from_all_regions(described: Json) -> bool:
    return any(each.get("AllAwsRegions") for each in _definitions(described))


def _expected(described: Json, known: Iterable[Where]) -> tuple[list[str], list[str]]:
    """Return the accounts and Regions that the aggregator is to collect from, each of these from each of those."""
    accounts, regions = ({*names} for names in zip(*known, strict=True))
    for definition in _definitions(described):
        accounts |= {*definition.get("AccountIds", ())}
        regions |= {*definition.get("AwsRegions", ())}
    return sorted(accounts), sorted(regions)


def _of_organization(statuses: Iterable[Json], now: datetime) -> Iterator[str]:
    for status in statuses:
        problem = "" if status["SourceType"] == ACCOUNT else _problem(status, now, "about the organization's accounts")
        if problem:
            yield f"{problem}, so accounts may be missing: look at the role of the aggregator."


def _problem(status: Json, now: datetime, of: str = "from there") -> str:
    updated = status.get("LastUpdateTime")
    since = ago(updated, now) if updated else "at a time that it does not tell"
    state = status.get("LastUpdateStatus")
    if state == CURRENT and updated and now - updated <= MAX_AGE:
        return ""
    if state != FAILED:
        return f"The aggregator's data {of} are out of date, having been updated {since}"
    reason = ": ".join(filter(None, (status.get("LastErrorCode"), status.get("LastErrorMessage"))))
    return f"The last update of the aggregator's data {of} failed {since} ({escaped(reason or 'without a reason')})"


def _not_collected(regions: Iterable[str]) -> str:
    return (
        f"It does not collect from all enabled Regions, so the keys in {', '.join(regions)} are not judged: let it "
        f"collect from all Regions."
    )
