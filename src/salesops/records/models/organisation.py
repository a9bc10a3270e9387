"""Units, calendars, people, teams and territories."""

from __future__ import annotations

from . import fields as f
from .base import Interval, Versioned


class BusinessUnit(Versioned):
    """A selling unit or legal entity."""

    code = 1
    name = f.text()
    kind = f.kind("unit", "legal_entity")
    parent = f.ref("business_unit")
    currency = f.currency("Home currency of the unit")
    country = f.text()
    calendar = f.ref("calendar", "Its fiscal calendar; the workspace's where empty")
    time_zone = f.text("IANA name; the workspace's where empty")


class Calendar(Versioned):
    """A fiscal calendar."""

    code = 2
    name = f.text()
    pattern = f.kind("month", "445", "454", "544")
    start_month = f.integer("1 to 12")
    week_start = f.integer("0 = Monday")
    year_named_by = f.kind("end", "start")


class Holiday(Interval):
    """Days on which a calendar's people do not work."""

    code = 3
    calendar = f.ref("calendar")
    country = f.text()
    name = f.text()


class WorkingTime(Interval):
    """Minutes of work for each weekday, of a calendar or of one person."""

    code = 4
    calendar = f.ref("calendar")
    person = f.ref("person")
    monday = f.integer("minutes")
    tuesday = f.integer("minutes")
    wednesday = f.integer("minutes")
    thursday = f.integer("minutes")
    friday = f.integer("minutes")
    saturday = f.integer("minutes")
    sunday = f.integer("minutes")


class Person(Versioned):
    """Somebody who sells, manages or supports."""

    code = 5
    name = f.text()
    first_name = f.text()
    last_name = f.text()
    email = f.text()
    other_emails = f.text("Separated by commas")
    title = f.text()
    region = f.text()
    location = f.text()
    country = f.text()
    languages = f.text("Separated by commas")
    time_zone = f.text()


class Employment(Interval):
    """A person's job during an interval."""

    code = 6
    person = f.ref("person", db_index=True)
    role = f.text()
    grade = f.text()
    fte = f.share("1 = full time")
    legal_entity = f.ref("business_unit")
    cost_centre = f.text()
    employee_number = f.text()
    pay_currency = f.currency()


class ReportingLine(Interval):
    """Who reports to whom, and when."""

    code = 7
    person = f.ref("person", db_index=True)
    manager = f.ref("person", db_index=True)
    kind = f.kind("line", "matrix")


class Team(Versioned):
    code = 8
    name = f.text()
    parent = f.ref("team")
    business_unit = f.ref("business_unit")
    kind = f.text()


class TeamMember(Interval):
    code = 9
    team = f.ref("team", db_index=True)
    person = f.ref("person", db_index=True)
    role = f.text()


class Absence(Interval):
    code = 10
    person = f.ref("person", db_index=True)
    kind = f.kind("leave", "sick", "parental", "training", "other")


class PersonSkill(Interval):
    code = 11
    person = f.ref("person", db_index=True)
    skill = f.text()
    level = f.integer("1 to 5")


class Territory(Versioned):
    code = 12
    name = f.text()
    parent = f.ref("territory")
    kind = f.text()
    rule = f.text("An expression over account fields")


class TerritoryAssignment(Interval):
    """An account, or a rule, that belongs to a territory."""

    code = 13
    territory = f.ref("territory", db_index=True)
    account = f.ref("account", db_index=True)
    rule = f.text()


class TerritoryMember(Interval):
    code = 14
    territory = f.ref("territory", db_index=True)
    person = f.ref("person", db_index=True)
    role = f.text()
