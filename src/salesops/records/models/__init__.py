"""Stored state, one module per group of the data model."""

from __future__ import annotations

from .accounting import (
    Cost,
    ExchangeRate,
    Invoice,
    InvoiceLine,
    Order,
    OrderLine,
    Payment,
    Subscription,
)
from .calling import ForecastCall
from .catalogue import Price, PriceBook, Product, StockLevel
from .history import (
    NULL_MARK,
    Batch,
    Change,
    Clock,
    CustomField,
    DeclaredWord,
    FieldOwner,
    ImportConflict,
    MappingText,
    RowError,
    SourceId,
    ValueRule,
)
from .interaction import Activity, EngagementEvent, TimeReport
from .market import Account, Campaign, CampaignMember, Consent, Contact, Lead
from .organisation import (
    Absence,
    BusinessUnit,
    Calendar,
    Employment,
    Holiday,
    Person,
    PersonSkill,
    ReportingLine,
    Team,
    TeamMember,
    Territory,
    TerritoryAssignment,
    TerritoryMember,
    WorkingTime,
)
from .selling import (
    Opportunity,
    OpportunityContact,
    OpportunityLine,
    OpportunitySplit,
    Pipeline,
    Stage,
    StageEvent,
)
from .targets import Benchmark, Target
from .work import (
    Alert,
    AnsweredKey,
    ApiToken,
    ApprovalRequest,
    AuditEntry,
    Branch,
    Comment,
    Delivery,
    Document,
    JobRun,
    Notice,
    Outbox,
    RecoveryCode,
    Report,
    SavedView,
    Seen,
    SignInCount,
    Task,
    UsedLink,
    User,
    UserMetric,
)

__all__ = [
    "NULL_MARK", "Absence", "Account", "Activity", "Alert", "AnsweredKey", "ApiToken", "ApprovalRequest", "AuditEntry", "Batch", "Benchmark", "Branch",
    "BusinessUnit", "Calendar", "Campaign", "CampaignMember", "Change", "Clock", "Comment", "Consent", "Contact", "Cost",
    "CustomField", "DeclaredWord", "Delivery", "Document", "Employment", "EngagementEvent", "ExchangeRate", "FieldOwner", "ForecastCall", "Holiday",
    "ImportConflict", "Invoice", "InvoiceLine", "JobRun", "Lead", "MappingText", "Notice", "Opportunity", "OpportunityContact",
    "OpportunityLine", "OpportunitySplit", "Order", "OrderLine", "Outbox", "Payment", "Person", "PersonSkill", "Pipeline",
    "Price", "PriceBook", "Product", "RecoveryCode", "Report", "ReportingLine", "RowError", "SavedView", "Seen", "SignInCount", "SourceId", "Stage",
    "StageEvent", "StockLevel",
    "Subscription", "Target", "Task", "Team", "TeamMember", "Territory", "TerritoryAssignment", "TerritoryMember",
    "TimeReport", "UsedLink", "User", "UserMetric", "ValueRule", "WorkingTime",
]  # fmt: skip
