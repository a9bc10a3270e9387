"""The shapes of what is sent and given, as OpenAPI shows them, with examples. Exact numbers, ids and days travel as text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

Id = Annotated[str, Field(description="A 63-bit id, as text", examples=["4611686018427387904"])]
Day = Annotated[date, Field(examples=["2026-03-31"])]
Row = dict[str, Any]


class Given(Schema):
    """What somebody sends: fields that are none are refused."""

    model_config = ConfigDict(extra="forbid")


# Problems


class ProblemItem(Schema):
    source: str | None = None
    row: int | None = Field(None, description="1-based row, or operation of a bulk call")
    field: str | None = None
    problem: str
    remedy: str
    value: str | None = None
    record: str | None = None
    severity: str = "error"


class Problem(Schema):
    """RFC 9457, with a remedy and everything that is wrong."""

    type: str = Field(examples=["urn:salesops:problem:invalid-data"])
    title: str
    status: int
    detail: str
    remedy: str = ""
    problems: list[ProblemItem] = []


# Records


class FieldInfo(Schema):
    name: str
    kind: str = Field(description="text, kind, ref, date, instant, integer, boolean, money, or scaled:N")
    target: str = Field("", description="The entity that a ref points to")
    words: list[str] = Field([], description="The words that a field of kind may hold")
    help: str = ""


class EntityInfo(Schema):
    name: str = Field(examples=["opportunity"])
    shape: Literal["versioned", "interval", "event"]
    help: str
    fields: list[FieldInfo]


class Entities(Schema):
    items: list[EntityInfo]


class Reference(Schema):
    """A record that a field points to. The label is null where you may not see it."""

    id: Id
    label: str | None = None


Value = str | bool | int | float | Reference | None


class RecordOut(Schema):
    id: Id
    deleted: bool
    values: dict[str, Value] = Field(
        description="By field: money and scaled numbers as text, instants in UTC, references with their label",
        examples=[
            {"name": "Cedar rollout", "amount": "30000", "currency": "USD", "owner": {"id": "17", "label": "Ben Okoye"}}
        ],
    )
    masked: list[str] = Field([], description="Fields that hold something which you may not read; null in `values`")


class RecordFull(RecordOut):
    version: int = Field(description="Grows with every change; the ETag is this in quotation marks")
    source_ids: list[dict[str, str]] = Field([], examples=[[{"system": "crm", "id": "D01"}]])
    assumed: list[str] = Field([], description="Fields of which it is not known when they were learned")
    merged_from: list[Id] = []
    as_of: date | None = None
    as_known_on: date | None = None


class RecordPage(Schema):
    items: list[RecordOut]
    total: int = Field(description="How many there are on all pages")
    limit: int
    next: str | None = Field(description="The link to the next page; null on the last")
    changed: bool = Field(
        False, description="A sorted list only: records changed since the first page, rows may have moved"
    )


class Version(Schema):
    effective: str | None = Field(description="Since when it was true")
    recorded: str | None = Field(description="When it was learned")
    recorded_to: str | None = None
    assumed: bool
    batch: int
    kind: str
    user: str
    fields: dict[str, str]


class History(Schema):
    items: list[Version]


class ReferenceIn(Given):
    id: str = Field(max_length=300)
    label: str | None = None


ValueIn = str | bool | int | Decimal | ReferenceIn | None
ValuesIn = Annotated[
    dict[str, ValueIn],
    Field(
        description="Values as people write them, or as a record was given; null empties a field. A reference is an id, an external "
        "id, a unique name or an e-mail address",
        examples=[{"name": "Cedar rollout", "amount": "30000", "owner": "Ben Okoye", "stage": "Proposal"}],
    ),
]


class Creation(Given):
    values: ValuesIn
    effective: Day | None = Field(None, description="The day since when it is true (default: now)")


class Edit(Given):
    values: ValuesIn
    effective: Day | None = Field(None, description="The day since when the values are true (default: now)")


class Merge(Given):
    loser: str = Field(
        max_length=300, description="The record that is merged into this one", examples=["Cedar Inc (double)"]
    )
    fill: bool = Field(True, description="Take its values where this one has none")


class Operation(Given):
    """One step of a bulk call."""

    do: Literal["create", "edit", "delete", "restore"]
    key: str | None = Field(None, max_length=300, description="The record; not for create")
    values: dict[str, ValueIn] = {}
    effective: Day | None = None
    version: int | None = Field(None, ge=0, lt=2**63, description="The version that is expected (edit, delete)")


class Bulk(Given):
    operations: list[Operation] = Field(
        min_length=1, max_length=500,
        examples=[[{"do": "create", "values": {"name": "Fir"}}, {"do": "edit", "key": "Alder", "values": {"industry": "Energy"}}]],
    )  # fmt: skip


class Together(Given):
    keys: list[str] = Field(
        min_length=1, max_length=500, description="Records by id, external id or name", examples=[["Alder", "Birch"]]
    )
    values: ValuesIn
    note: str = Field("", max_length=2000, description="Why, for who approves it where it needs that")


class TogetherDone(Schema):
    batch: int | None = Field(description="By which the edit is undone; null where nothing was to be changed")
    changed: int


class Written(Schema):
    do: str
    id: Id
    version: int


class BulkDone(Schema):
    items: list[Written]


# Answers of the metric and pipeline rooms


class ColumnOut(Schema):
    name: str
    title: str
    kind: str
    unit: str = ""
    currency: str = ""


class AnswerOut(Schema):
    """Rows and how to read them. Money is exact, as text, in `currency`."""

    rows: list[Row] = Field(examples=[[{"period": "2026-Q1", "owner": "Ben Okoye", "bookings": "70000.0000"}]])
    columns: list[ColumnOut]
    from_: date | None = Field(None, alias="from")
    to: date | None = None
    as_of: date
    as_known_on: date | None = None
    generation: str
    currency: str
    notes: list[str]
    hidden: int = Field(description="Records of the question that are not yours")
    empty: dict[str, str] = Field({}, description="Why a metric has no value anywhere")
    definitions: dict[str, str] = {}


class Listed(Schema):
    """A page of records behind a number."""

    items: list[Row]
    total: int = Field(description="How many there are on all pages")
    limit: int
    next: str | None
    changed: bool = Field(False, description="The data changed since the first page: rows may have moved")
    columns: list[ColumnOut]
    from_: date | None = Field(None, alias="from")
    to: date | None = None
    as_of: date
    as_known_on: date | None = None
    generation: str
    currency: str
    notes: list[str]
    hidden: int
    empty: dict[str, str] = {}
    definitions: dict[str, str] = {}


class FiguresOut(Schema):
    """A table about people. `columns` name each column's unit (empty: text); `beside` is what belongs to the whole table."""

    rows: list[Row] = Field(examples=[[{"owner": "Ben Okoye", "activities": 12, "prospect_meetings": 3}]])
    columns: dict[str, str]
    from_: date | None = Field(None, alias="from")
    to: date | None = None
    as_of: date
    generation: str
    currency: str
    notes: list[str]
    beside: dict[str, Any]


class SeatOut(Schema):
    """One person in the tree; `change` since the other day is joined, moved, left or empty, `former` the manager of then."""

    person: Id
    name: str
    title: str
    manager: Id | None
    depth: int
    direct: int = Field(description="How many report to this person")
    people: int = Field(description="How many are employed at and below this person")
    change: str
    former: str


class OrganisationOut(Schema):
    as_of: date
    then: date | None
    people: int
    seats: list[SeatOut]
    left: list[SeatOut]


class CohortMembers(Schema):
    items: list[Row] = Field(
        examples=[[{"id": "17", "name": "Cedar Inc", "first_day": "2025-02-03", "purchases": 2, "revenue": "900.0000"}]]
    )
    total: int
    limit: int
    next: str | None
    changed: bool
    revenue: str | None = Field(description="Of all pages; null for subscriptions, whose evenings never add up")
    currency: str
    generation: str


class EffectOut(Schema):
    model_config = ConfigDict(extra="allow")

    metric: str
    unit: str
    currency: str


class MetricOut(Schema):
    id: str
    title: str
    question: str
    unit: str
    better: str
    date_basis: str
    additive: str
    currency_rule: str
    empty_rule: str
    table: str = Field("", description="The command that gives it, where it is a table and no number")
    reads_with: list[str] = []
    notes: list[str] = []
    owner: str = Field("", description="Who answers for it, where somebody in this workspace defined it")
    watch_for: str = ""
    variants: list[dict[str, Any]] = []


class Metrics(Schema):
    items: list[MetricOut]


class DrillOut(Schema):
    items: list[Row]
    total: int
    limit: int
    next: str | None
    changed: bool
    totals: dict[str, Any] = Field(description="Sums over all pages: the parts of the number")
    hidden: int = 0
    as_of: date | None = None
    generation: str
    currency: str


class ExplanationOut(Schema):
    model_config = ConfigDict(extra="allow")

    title: str
    value: Any = None
    unit: str | None = None
    formula: str | None = None
    rule: str | None = None
    definition: str | None = None
    inputs: list[dict[str, Any]] = []
    notes: list[str] = []


class GuideOut(Schema):
    model_config = ConfigDict(extra="allow")

    business_model: str


class ScorecardOut(Schema):
    as_of: date
    currency: str
    rows: list[Row]
    managers: list[Row]
    quota_reached: list[str]
    hidden: int


# Quality


class ScoreOut(Schema):
    label: str
    checked: int
    failing: int
    score: float | None = Field(description="1 - failing / checked; null where nothing was checked")


class RuleScore(Schema):
    rule: str
    entity: str
    dimension: str
    severity: str
    title: str
    checked: int
    failing: int
    score: float | None
    left_out: str = Field("", description="Why it could not be asked")


class QualityOut(Schema):
    overall: ScoreOut
    rules: list[RuleScore]
    by_entity: list[ScoreOut]
    by_dimension: list[ScoreOut]
    by_system: list[ScoreOut]
    by_owner: list[ScoreOut]
    freshness: list[Row]


class RuleInfo(Schema):
    id: str
    entity: str
    dimension: str
    severity: str
    title: str
    why: str
    remedy: str


class Rules(Schema):
    items: list[RuleInfo]


class Rows(Schema):
    """A page of rows."""

    items: list[Row]
    total: int
    limit: int
    next: str | None
    changed: bool = False


# Imports


class UploadOut(Schema):
    upload: int = Field(description="What an import is started with", examples=[7])
    files: list[Row]


class Reading(Given):
    encoding: str | None = Field(None, max_length=40, examples=["utf-8"])
    delimiter: str | None = Field(None, min_length=1, max_length=1, examples=[";"])
    decimal: Literal[".", ","] | None = None
    date_order: Literal["ymd", "dmy", "mdy"] | None = None
    sheet: str | None = Field(
        None, max_length=200, description="The sheet of a workbook (default: the first with data)"
    )
    currency: str | None = Field(
        None, max_length=3, description="The currency of amounts that name none", examples=["EUR"]
    )


class ImportStart(Given):
    upload: int = Field(ge=1, lt=2**63, description="Given by POST /imports/files", examples=[7])
    mapping: str = Field(
        "", max_length=100, pattern=r"^[\w-]*$", description="A mapping of the workspace, or a ready one"
    )
    mapping_text: str = Field(
        "", max_length=500_000, description="The text of a mapping, for example that of a dry run, edited"
    )
    system: str = Field("", max_length=100)
    mode: Literal["delta", "snapshot"] = "delta"
    file_date: Day | None = None
    dry_run: bool = Field(False, description="Only say what the import would do")
    reading: Reading | None = Field(None, description="How the files are written, where that is not to be found out")


class Job(Schema):
    """An import under way, or how it ended: running, done, failed, or interrupted (the server was stopped: resume it)."""

    job: int
    status: Literal["running", "done", "failed", "interrupted"]
    started: str | None
    finished: str | None
    user: str
    parameters: Row
    result: Row | None = Field(None, description="What it did, when it is done")
    problem: Problem | None = Field(None, description="What went wrong, when it failed")


class ImportOut(Schema):
    model_config = ConfigDict(extra="allow")

    batch: int
    status: str
    system: str
    mapping: str
    user: str


class Undone(Schema):
    batch: int
    status: str
    counts: dict[str, int]


# Targets


class TargetIn(Given):
    """What a metric should be in a period, of a person, a team or a business unit, or (none named) of the company."""

    metric: str = Field(max_length=200, description="A metric, or one in a variant", examples=["bookings"])
    kind: Literal["quota", "plan", "goal"] = "goal"
    person: str | None = Field(None, max_length=300, examples=["Ben Okoye"])
    team: str | None = Field(None, max_length=300)
    business_unit: str | None = Field(None, max_length=300)
    period: str | None = Field(
        None, max_length=100, description="2026-Q3, FY2026, 2026-03 or 2026-01-15..2026-02-28", examples=["2026-Q1"]
    )
    starts_on: Day | None = Field(None, description="The first day, in the place of a period")
    ends_on: Day | None = Field(None, description="The last day")
    value: Decimal | str | None = Field(
        None, description="An amount, a number, or a share such as 32% (or 0.32)", examples=["120000", "32%"]
    )
    amount: Decimal | str | None = Field(None, description="The same as `value`")
    number: Decimal | str | None = Field(None, description="The same as `value`")
    currency: str | None = Field(None, max_length=3, description="Of an amount", examples=["USD"])
    status: Literal["draft", "published", "withdrawn"] = "published"
    provenance: str | None = Field(None, max_length=1000, description="Where it comes from", examples=["plan 2026"])
    effective: Day | None = Field(None, description="The day since when it is true (default: now)")


# Audit, users, tokens


class AuditPage(Schema):
    items: list[Row]
    total: int
    limit: int
    next: str | None


class Verified(Schema):
    ok: bool
    entries: int
    head: str
    broken: int | None
    problem: str
    message: str


class Me(Schema):
    username: str
    roles: list[str]
    person: Id | None
    sees_all: bool
    scopes: list[str]
    workspace: str
    currency: str
    time_zone: str
    today: date
    version: str


class TokenIn(Given):
    username: str = Field("", max_length=150, description="Default: yourself")
    name: str = Field(min_length=1, max_length=200, examples=["nightly export"])
    scopes: list[str] = Field(min_length=1, max_length=20, examples=[["records:read", "metrics:read"]])
    expires: Day | None = None


class TokenMade(Schema):
    token: str = Field(description="Shown once")


class TokenOut(Schema):
    id: int
    key: str
    user: str
    name: str
    scopes: list[str]
    status: Literal["active", "expired", "revoked"]
    created: str | None
    created_by: str
    expires: str | None
    last_used: str | None
    revoked: str | None


class Tokens(Schema):
    items: list[TokenOut]


class TokenNumber(Schema):
    revoked: int


class Line(Schema):
    """One entry of the audit log; an export has one a line."""


# Accounts


class UserIn(Given):
    username: str = Field(min_length=1, max_length=150, examples=["ann"])
    name: str = Field("", max_length=300, examples=["Ann Lee"])
    roles: list[str] = Field(["rep"], min_length=1, max_length=20, examples=[["rep"]])
    person: str | None = Field(
        None, max_length=300, description="The person that the user is: id, name or e-mail", examples=["Ann Lee"]
    )
    pay_group: str = Field("", max_length=100)
    note: str = Field("", max_length=2000, description="Why, for who approves it where it needs that")


class UserEdit(Given):
    name: str | None = Field(None, max_length=300)
    roles: list[str] | None = Field(None, min_length=1, max_length=20, examples=[["manager"]])
    person: str | None = Field(None, max_length=300, description="null unlinks")
    active: bool | None = Field(None, examples=[False])
    pay_group: str | None = Field(None, max_length=100)
    note: str = Field("", max_length=2000, description="Why, for who approves it where it needs that")


class UserOut(Schema):
    username: str
    name: str
    roles: list[str]
    person: Reference | None
    pay_group: str
    active: bool


class PasswordIn(Given):
    password: str = Field(
        min_length=1, max_length=1000, description="At least 8 characters", examples=["correct horse battery"]
    )


class Username(Schema):
    username: str


# Definitions of metrics

TOML = """[big_wins]
kind = "sum"
title = "Bookings of 20,000 and more"
fact = "closed"
measure = "value"
where = "status = 'won' and value >= 20000"
"""


class DefinitionIn(Given):
    definition: str = Field(max_length=200_000, description="TOML, as in docs/guides/metrics.md", examples=[TOML])
    name: str = Field("definition", max_length=200, description="By what mistakes refer to the text")


class DefinitionCheck(Given):
    definition: str | None = Field(
        None, max_length=200_000, description="Without it: all that is defined", examples=[TOML]
    )
    name: str = Field("definition", max_length=200)


class DefinitionDone(Schema):
    metric: str
    version: str
    done: Literal["defined", "changed", "unchanged"]


class DefinitionsDone(Schema):
    items: list[DefinitionDone]


class DefinitionsChecked(Schema):
    mistakes: list[ProblemItem]


class DefinitionEnded(Schema):
    undefined: str


# Settings


class FieldIn(Given):
    kind: Literal["text", "integer", "number", "share", "money", "date", "instant", "boolean", "kind", "ref"] = "text"
    title: str = Field("", max_length=300, examples=["Contract end"])
    words: list[Annotated[str, Field(max_length=60)]] = Field(
        [], max_length=1000, description="The words of a field of kind"
    )
    target: str = Field("", max_length=100, description="The entity that a ref points to")


class Declared(Schema):
    entity: str
    declared: str = Field(examples=["custom.contract_end"])


class Retired(Schema):
    entity: str
    retired: str


class WordIn(Given):
    word: str = Field(min_length=1, max_length=60, examples=["partner_event"])
    title: str = Field("", max_length=300)


class WordAdded(Schema):
    entity: str
    field: str
    word: str


class OwnerIn(Given):
    owner: Literal["app", "source", "nobody"]
    record: str | None = Field(None, max_length=300, description="Only of this record", examples=["D07"])


class Owned(Schema):
    entity: str
    field: str
    owner: str
    record: str | None


class SettleIn(Given):
    take: Literal["kept", "offered"]


class Settled(Schema):
    settled: int
    take: str


class RuleIn(Given):
    entity: str = Field(max_length=100, examples=["account"])
    field: str = Field(max_length=100, examples=["industry"])
    found: str = Field(max_length=10_000, examples=["technolgy"])
    becomes: str | None = Field(None, max_length=10_000, description="null: as missing", examples=["technology"])
    system: str = Field("*", max_length=100, description="Only in imports of this system")


class RuleNumber(Schema):
    rule: int


class RefreshedOut(Schema):
    generation: str
    kind: str
    records: int
    seconds: float


class MappingList(Schema):
    items: list[dict[str, str]]


class MappingOut(Schema):
    mapping: str
    text: str


# Work


class TaskIn(Given):
    title: str = Field(min_length=1, max_length=1000, examples=["Call Cedar"])
    owner: str | None = Field(None, max_length=150, description="Whose it is (default: yours)")
    due: Day | None = None
    note: str = Field("", max_length=10_000)
    subject: str | None = Field(None, max_length=100, description="The entity of the record that it is about")
    subject_id: str | None = Field(None, max_length=300, description="The record that it is about")


class TaskEdit(Given):
    title: str = Field("", min_length=1, max_length=1000)
    owner: str = Field("", max_length=150)
    due: Day | None = None
    note: str = Field("", max_length=10_000)
    status: Literal["open", "done"] = Field("open", examples=["done"])


class CommentIn(Given):
    entity: str = Field(min_length=1, max_length=100, examples=["opportunity"])
    key: str = Field(min_length=1, max_length=300, examples=["D07"])
    text: str = Field(min_length=1, max_length=100_000, examples=["They ask for a reference."])


class ViewIn(Given):
    name: str = Field(min_length=1, max_length=200, examples=["My quarter"])
    page: str = Field(min_length=1, max_length=1000, description="The path of a page", examples=["/pipeline/"])
    query: str = Field(
        "", max_length=5000, description="What stands behind the ?", examples=["period=2026-Q1&by=owner"]
    )
    shared: bool = Field(False, description="Everybody sees it")


class Number(Schema):
    number: int


# Approvals


class Waiting(Schema):
    """202: nothing was done yet, a proposal waits for somebody else's approval."""

    approval: int = Field(description="The number of the proposal")
    status: str = Field(examples=["open"])
    title: str
    approvers: list[str] = Field(description="Users who may approve it")


class Approval(Schema):
    number: int
    kind: str = Field(description="erasure, roles, bulk_edit, import_undo, past_targets")
    kind_title: str
    title: str
    subject: str
    subject_id: str
    status: str = Field(description="open, approved, declined, withdrawn, replaced")
    policy: str = Field(description="two_person or self")
    self_approved: bool
    stale: bool = Field(description="What it is about has changed since: it cannot be approved any more")
    asked_by: str
    asked: str
    note: str
    decided_by: str
    decided: str | None
    reason: str
    lines: list[list[str]] = Field(description="What changes: what it is, before, after")
    more: int = Field(description="Lines that are not listed")
    yours: bool = Field(description="It waits for your decision")
    own: bool = Field(description="It is your own and waits")


class Why(Given):
    reason: str = Field("", max_length=2000, examples=["Checked with Ann"])


class Declined(Given):
    reason: str = Field(min_length=1, max_length=2000, examples=["She is still a customer"])


class EraseIn(Given):
    confirm: str = Field(max_length=1000, description="The record's name, once more", examples=["Ann Lee"])
    note: str = Field("", max_length=2000, description="Why, for who approves it where it needs that")


class Erased(Schema):
    record: Id
    records: list[Id] = Field(description="With those that were merged into it")
    changes: int
    rows: int
    names: int
    related: int
    texts: int
    problems: int
    also: list[Row] = Field(description="Other records with the same e-mail: erased one by one")


# Reports and alerts


class ReportIn(Given):
    name: str = Field(min_length=1, max_length=200, examples=["Monday"])
    question: Row = Field(
        description="What it shows: kind scorecard, metrics (metrics, by, period, compare, where) or view (page, query)",
        examples=[{"kind": "metrics", "metrics": "bookings,win_rate", "by": "owner", "period": "last month"}],
    )
    form: Literal["pdf", "xlsx", "text"] = "pdf"
    recipients: list[str] = Field([], max_length=100, description="E-mail addresses, or addresses on the web")
    schedule: str = Field(
        "", max_length=100, description="Empty: only when it is run", examples=["weekly monday 07:00"]
    )
    only: Literal["", "changed", "alert"] = ""


class ReportEdit(Given):
    name: str | None = Field(None, min_length=1, max_length=200)
    question: Row | None = None
    form: Literal["pdf", "xlsx", "text"] | None = None
    recipients: list[str] | None = Field(
        None, max_length=100, description="One that is there may be given as it is shown"
    )
    schedule: str | None = Field(None, max_length=100, examples=["daily 07:00"])
    only: Literal["", "changed", "alert"] | None = None
    active: bool | None = None


class ReportOut(Schema):
    id: int
    name: str
    owner: str
    question: Row
    form: str
    recipients: list[str]
    schedule: str
    only: str
    active: bool
    next: str | None


class RunOut(Schema):
    run: int


class AlertIn(Given):
    metric: str = Field(min_length=1, max_length=200, examples=["win_rate"])
    rule: str = Field(min_length=1, max_length=200, examples=["below 20%", "drops by 10% in this month"])
    recipients: list[str] = Field([], max_length=100, description="Besides your inbox")


class AlertEdit(Given):
    metric: str | None = Field(None, min_length=1, max_length=200)
    rule: str | None = Field(None, min_length=1, max_length=200, examples=["above 50"])
    recipients: list[str] | None = Field(None, max_length=100)
    active: bool | None = None


class AlertOut(Schema):
    id: int
    metric: str
    rule: str
    active: bool
    firing: str = Field(description="The period in which it last told; empty while all is well")
    recipients: list[str]


# The week


class WeekOut(Schema):
    last: Day = Field(description="The last day of the week that can be reported now")
    first: Day
    reported: dict[str, int] = Field(description="Minutes by kind that you reported; empty: not answered yet")
    captured: dict[str, int] = Field(description="Minutes by kind as your activities say")


class WeekIn(Given):
    last: Day
    minutes: dict[str, int] = Field(
        description="selling, outreach, customer, admin, crm_entry, internal, training, travel, other",
        examples=[{"selling": 600}],
    )
