"""Where things are: groups, pages and tabs, in one order for everybody; who may not open a page does not see it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from salesops.records import access
from salesops.records.access import Actor

Words = str | Promise


@dataclass(frozen=True)
class Tab:
    """A tab of a page: its title and the name of its address; `action` is what it takes to open it."""

    title: Words
    name: str
    action: str = "read"
    under: tuple[str, ...] = ()  # names of deeper addresses that belong to it


@dataclass(frozen=True)
class Page:
    """A page of the navigation: the first of its tabs that the reader may open is where it leads."""

    title: Words
    icon: str
    key: str
    tabs: tuple[Tab, ...]
    group: Words = ""


PAGES: tuple[Page, ...] = (
    Page(_("Home"), "home", "h", (
        Tab(_("Scorecard"), "home"),
        Tab(_("Metrics"), "metrics", under=("metric", "metric-define", "why", "number-records")),
        Tab(_("Guide"), "guide"),
        Tab(_("Alerts"), "alerts"),
        Tab(_("Reports"), "reports", "report", ("report",)),
    )),
    Page(_("Inbox"), "inbox", "b", (
        Tab(_("Inbox"), "inbox"),
        Tab(_("Approvals"), "approvals", under=("approval",)),
    )),
    Page(_("Pipeline"), "pipeline", "p", (
        Tab(_("Overview"), "pipeline"),
        Tab(_("Movement"), "pipeline-movement", under=("pipeline-moves",)),
        Tab(_("Funnel"), "pipeline-funnel", under=("pipeline-funnel-records", "pipeline-stage-deals", "pipeline-curve-deals")),
        Tab(_("Deals"), "pipeline-deals"),
        Tab(_("Velocity"), "pipeline-velocity"),
        Tab(_("Hygiene"), "pipeline-hygiene"),
        Tab(_("Process"), "pipeline-process", under=("pipeline-cases",)),
    ), _("Sell")),
    Page(_("Forecast"), "forecast", "f", (
        Tab(_("Calls"), "forecast", under=("forecast-call",)),
        Tab(_("Deals"), "forecast-deals"),
        Tab(_("Movement"), "forecast-changes"),
        Tab(_("Accuracy"), "forecast-accuracy", "read_accuracy"),
        Tab(_("Every call"), "forecast-history"),
    ), _("Sell")),
    Page(_("Plans"), "plans", "q", (
        Tab(_("Targets"), "targets", under=("target-history",)),
        Tab(_("Organisation"), "organisation"),
    ), _("Plan")),
    Page(_("Playbook"), "playbook", "k", (
        Tab(_("People"), "people"),
        Tab(_("My week"), "my-week"),
    ), _("Work")),
    Page(_("Data"), "data", "d", (
        Tab(_("Imports"), "imports", "import", ("import-new", "import-job", "import-batch")),
        Tab(_("Quality"), "quality", "quality", ("quality-rule",)),
        Tab(_("Records"), "records", under=("record", "record-list", "record-edit", "record-create", "record-merge")),
    ), _("Run")),
    Page(_("Settings"), "settings", "", (
        Tab(_("Workspace"), "settings", "read_settings"),
        Tab(_("People and access"), "access", "manage_users"),
        Tab(_("API and keys"), "keys"),
        Tab(_("Audit"), "audit", "read_audit"),
    ), _("Run")),
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """A page or tab as one reader sees it."""

    title: Words
    name: str
    icon: str = ""
    key: str = ""
    group: Words = ""
    current: bool = False


def menu(actor: Actor, here: str) -> list[Link]:
    """The pages that an actor may open; `here` is the name of the address that is open."""
    found = []
    for page in PAGES:
        open_to = [tab for tab in page.tabs if access.roles_allow(actor, tab.action)]
        if open_to:
            current = any(here == tab.name or here in tab.under for tab in page.tabs)
            found.append(Link(page.title, open_to[0].name, page.icon, page.key, page.group, current))
    return found


def place(actor: Actor, here: str) -> tuple[Page | None, list[Link]]:
    """The page that an address belongs to, and its tabs."""
    for page in PAGES:
        if any(here == tab.name or here in tab.under for tab in page.tabs):
            tabs = [
                Link(tab.title, tab.name, current=here == tab.name or here in tab.under)
                for tab in page.tabs
                if access.roles_allow(actor, tab.action)
            ]
            return page, tabs
    return None, []
