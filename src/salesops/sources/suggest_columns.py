# ruff: noqa: E501 - tables read best with one entry on a line
"""What columns of ordinary tables are called, and which columns make a table one of deals, orders, leads ... Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from salesops.sources.reading import ColumnProfile


def key(name: str) -> str:
    """A column's name without case and signs."""
    return "".join(ch for ch in name.casefold() if ch.isalnum())


_PERSON = "salesagent|salesrep|rep|salesperson|owner|ownername|salesowner|dealowner|opportunityowner|assignedto|assignee|agent|seller|accountexecutive|ae|accountmanager|vendedor|verkaufer|handlowiec|commercial|ownerid|repid|repname|userid|user"
_ACCOUNT = "account|accountname|company|companyname|customer|customername|client|clientname|organization|organisation|organizationname|kunde|kundenname|firma|klient|cliente|accountid|customerid|companyid|clientid|custid|buyer"
_PRODUCT = "product|productname|item|itemname|sku|productid|produkt|producto|produit|articlename|artikel"
_CURRENCY = "currency|currencycode|currencyisocode|curr|wahrung|waluta|devise|moneda"
_CITY = {"street": "street|address|address1|streetaddress", "city": "city|town|ort|miasto|ville|ciudad", "state": "state|province|stateprovince",
         "postal_code": "postalcode|zip|zipcode|postcode|plz", "country": "country|officelocation|land|kraj|pays|pais|countryregion",
         "latitude": "latitude|lat", "longitude": "longitude|lng|lon"}  # fmt: skip
_NAME = {"first_name": "firstname|givenname|forename|vorname|imie|prenom", "last_name": "lastname|surname|familyname|nachname|nazwisko",
         "email": "email|emailaddress|mail|workemail", "phone": "phone|phonenumber|telephone|mobile|mobilephone"}  # fmt: skip

# entity -> field -> names of columns, best first. `id`, `product`, `close` and other helpers are no fields of the entity.
COLUMNS: dict[str, dict[str, str]] = {
    "opportunity": {
        "id": "opportunityid|oppid|dealid|opportunitynumber|dealnumber|dealno|recordid|id|ref|reference",
        "name": "opportunityname|dealname|opportunity|deal|dealtitle|title|projectname|name|temat",
        "account": _ACCOUNT, "owner": _PERSON,
        "stage": "dealstage|stage|stagename|salesstage|opportunitystage|pipelinestage|phase|etap|etape|etapa|status|dealstatus",
        "amount": "amount|dealamount|dealvalue|closevalue|value|opportunityamount|contractvalue|totalvalue|revenue|dealsize|acv|tcv|arr|betrag|wert|auftragswert|wartosc|kwota|montant|importe|valor|price|total",
        "currency": _CURRENCY,
        "created": "createddate|createdate|creationdate|datecreated|createdat|createdon|created|engagedate|opendate|dateopened|opened|addtime|startdate|angelegtam|erstelltam|angelegt|erstellt|datautworzenia|datecreation|fechacreacion|firstcontactdate|entrydate|date",
        "expected": "expectedclosedate|expectedclose|estimatedclosedate|forecastclosedate|targetclosedate|expclose|plannedclose",
        "close": "closedate|closeddate|dateclosed|closingdate|closedat|closed|actualclosedate|actualclose|wondate|enddate|abschlussdatum|abschluss|datazamkniecia|datecloture|fechacierre",
        "type": "opportunitytype|dealtype|type|typ|businesstype", "source": "leadsource|source|dealsource|origin|zrodlo|quelle",
        "loss_reason": "lossreason|lostreason|closedlostreason|reasonlost|verlustgrund|powodprzegranej",
        "next_step": "nextstep|nextaction", "competitor": "competitor|maincompetitor", "segment": "segment", "region": "region|territory",
        "pipeline": "pipeline|pipelinename", "probability_override": "probability|winprobability|confidence|prob",
        "product": _PRODUCT, "quantity": "quantity|qty|units|menge|ilosc",
    },
    "order_line": {
        "order": "orderid|ordernumber|orderno|invoiceno|invoiceid|salesorder|transactionid|invoice|auftragsnummer|nrzamowienia",
        "ordered_on": "orderdate|invoicedate|date|purchasedate|transactiondate|ordered|orderedon|bestelldatum|datazamowienia",
        "shipped_on": "shipdate|shippeddate|shippingdate|deliverydate", "account": _ACCOUNT, "owner": _PERSON,
        "segment": "segment|customersegment", "region": "region|territory", "status": "status|orderstatus",
        "product": _PRODUCT + "|description|stockcode", "family": "category|productcategory|family", "line": "subcategory|productline|series",
        "quantity": "quantity|qty|quantityordered|units|menge|ilosc", "price": "price|unitprice|priceeach",
        "amount": "sales|amount|linetotal|revenue|total|amt|netamount|value|betrag|wartosc|umsatz",
        "discount": "discount|discountrate", "profit": "profit|margin", "cost": "cost|cogs", "currency": _CURRENCY,
    },
    "purchase": {
        "account": _ACCOUNT + "|id", "ordered_on": "date|purchasedate|orderdate|transactiondate|day",
        "amount": "amt|amount|value|sales|total|dollars|spend", "quantity": "qty|quantity|units|cds", "currency": _CURRENCY,
    },
    "stage_event": {
        "case_id": "caseid|case|caseconceptname|traceid|ticketid|incidentid|orderid|dealid|opportunityid",
        "activity": "activity|conceptname|activityname|event|eventname|step|action|task|stage",
        "at": "timestamp|timetimestamp|completetimestamp|endtimestamp|eventtime|eventtimestamp|time|datetime|starttimestamp|endtime|starttime|date",
        "lifecycle": "lifecycle|lifecycletransition|transition", "resource": "resource|orgresource|user|performer|agent|owner",
    },
    "lead": {
        "id": "leadid|prospectid|leadnumber|id|recordid", "name": "name|fullname|leadname", **_NAME,
        "company": "company|companyname|organization|account", "title": "title|jobtitle|position", "owner": _PERSON,
        "status": "status|leadstatus|stage", "source": "leadsource|source|channel|origin|utmsource", "industry": "industry|sector",
        "employees": "employees|numberofemployees", "country": "country", "created": "createddate|createdate|createdat|created|datecreated|date|submittedat",
        "converted_at": "converteddate|convertedat|conversiondate", "qualified_at": "qualifieddate|qualifiedat",
    },
    "contact": {
        "id": "contactid|personid|id|recid|uniqueid|recordid", "name": "name|fullname|contactname", **_NAME, "account": _ACCOUNT, "owner": _PERSON,
        "title": "title|jobtitle|position", "country": "country", "created": "createddate|createdate|createdat|created",
    },
    "account": {
        "id": "accountid|companyid|customerid|id|account|company|customer|accountname|companyname|name", "name": "accountname|companyname|account|company|name|customername|customer",
        "type": "type|accounttype", "parent": "subsidiaryof|parent|parentaccount|parentcompany|parentid", "owner": _PERSON,
        "industry": "industry|sector|branche|branza", "segment": "segment|tier", "employees": "employees|numberofemployees|headcount|staff",
        "revenue": "revenue|annualrevenue|revenues|turnover|umsatz", "currency": _CURRENCY, **_CITY, "region": "region", "website": "website|domain|url",
        "phone": "phone", "founded": "yearestablished|founded|foundedyear|yearfounded|established", "created": "createddate|created|createdat|customersince",
    },
    "product": {
        "id": "productid|sku|productcode|product|productname|item|id|uniqueid", "name": "productname|product|item|itemname|name|title",
        "product_code": "productcode|sku", "line": "series|productline|line", "family": "family|category", "unit": "unit",
        "standard_cost": "cost|standardcost|unitcost", "currency": _CURRENCY, "list_price": "salesprice|listprice|price|unitprice|retailprice|preis|cena",
    },
    "person": {
        "id": "employeeid|userid|repid|personid|salesagent|salesrep|rep|salesperson|name|id", "name": "name|fullname|salesagent|salesrep|rep|salesperson|employee|agent|seller",
        **_NAME, "manager": "manager|managername|salesmanager|reportsto|supervisor|managerid|teamlead|vorgesetzter|kierownik", "title": "title|jobtitle|role|position",
        "region": "regionaloffice|region|office|territory", "location": "location|city", "country": "country", "team": "team|teamname|squad",
        "created": "hiredate|startdate|hiredon|joined",
    },
    "target": {
        "person": _PERSON + "|name", "team": "team|teamname", "amount": "quota|target|goal|quotaamount|targetamount|plan",
        "starts_on": "periodstart|startdate|startson|from|month|start", "ends_on": "periodend|enddate|endson|to|end", "period": "period|quarter|year", "currency": _CURRENCY,
    },
    "exchange_rate": {
        "currency": "fromcurrency|currency|from|currencycode", "to_currency": "tocurrency|to|basecurrency|base", "rate": "rate|exchangerate|fxrate",
        "valid_from": "validfrom|date|startdate|day|effectivedate", "valid_to": "validto|enddate",
    },
    "activity": {
        "id": "activityid|id|callid|eventid", "at": "activitydate|date|start|starttime|time|timestamp|duedate", "kind": "activitytype|type|kind|channel",
        "subject": "subject|title|topic", "owner": _PERSON, "account": _ACCOUNT, "opportunity": "opportunityid|dealid|opportunity|deal",
        "minutes": "minutes|duration|durationminutes|durationinminutes", "outcome": "outcome|result|disposition", "status": "status",
    },
}  # fmt: skip

# entity -> what must be there, and what speaks for it. Judged in this order; the best share wins.
NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "stage_event": (("case_id", "activity", "at"), ("resource", "lifecycle")),
    "opportunity": (("stage",), ("id", "amount", "close", "created", "owner", "account", "expected")),
    "order_line": (
        ("order", "ordered_on", "amount"),
        ("product", "quantity", "account", "shipped_on", "discount", "profit"),
    ),
    "exchange_rate": (("currency", "rate"), ("to_currency", "valid_from")),
    "target": (("amount",), ("person", "starts_on", "period", "team")),
    "person": (("name", "manager"), ("region", "team", "email", "title")),
    "product": (("name", "list_price"), ("id", "line", "family", "product_code", "standard_cost")),
    "purchase": (("account", "ordered_on", "amount"), ("quantity",)),
    "activity": (("at", "kind"), ("owner", "subject", "account", "opportunity", "minutes")),
    "account": (
        ("name",),
        ("industry", "employees", "revenue", "country", "website", "city", "postal_code", "founded"),
    ),
    "contact": (("first_name", "last_name"), ("email", "account", "phone", "title")),
    "lead": ((), ("id", "created", "source", "email", "status", "company", "converted_at", "industry")),
}

# Words of a file's name that speak for an entity.
HINTS = {
    "opportunity": "opportunit|deal|pipeline|chance|szans|oportunidad", "order_line": "order|sales|superstore|invoice|transaction",
    "purchase": "purchase|transaction|cdnow|basket", "lead": "lead|prospect", "account": "account|compan|customer|client|organi|fortune|kunden|firm",
    "contact": "contact|people|person|dataset", "product": "product|item|artikel|price", "person": "team|user|rep|employee|staff|agent|owner",
    "target": "quota|target|goal", "exchange_rate": "rate|fx|currenc", "activity": "activit|call|meeting|task|email", "stage_event": "log|event|history|process|xes",
}  # fmt: skip


@cache
def _names(entity: str, field: str) -> tuple[str, ...]:
    return tuple(COLUMNS[entity][field].split("|"))


DATES = {
    "created",
    "expected",
    "close",
    "ordered_on",
    "shipped_on",
    "at",
    "converted_at",
    "qualified_at",
    "starts_on",
    "ends_on",
    "valid_from",
    "valid_to",
}
NUMBERS = {"amount", "quantity", "price", "list_price", "discount", "profit", "cost", "rate", "employees", "revenue", "latitude", "longitude",
           "standard_cost", "probability_override", "minutes", "founded"}  # fmt: skip
_NUMERIC = {"integer", "number", "money", "percent"}


def fits(field: str, profile: ColumnProfile) -> bool:
    """Whether a column's content can be this field."""
    if profile.kind == "empty":
        return False
    if field in DATES:
        return profile.kind in ("date", "instant")
    if field in NUMBERS:
        return profile.kind in _NUMERIC
    if field in (
        "stage",
        "activity",
        "name",
        "manager",
        "industry",
        "country",
        "kind",
        "first_name",
        "last_name",
        "email",
    ):
        return profile.kind == "text"
    return profile.kind not in ("date", "instant") or field == "id"


def _without_currency(column: ColumnProfile) -> str:
    """`Amount (EUR)` and `Amount in EUR` as `Amount`, where the column's amounts are in that currency."""
    if not column.currency:
        return column.name
    return re.sub(rf"[\s_(\[/-]*(in\s+)?({column.currency}|€|\$|£)\s*[)\]]?$", "", column.name, flags=re.IGNORECASE)


def find_fields(entity: str, columns: Sequence[ColumnProfile]) -> dict[str, ColumnProfile]:
    """The columns of a table that hold the fields of an entity: best name first, each column once (an id may double)."""
    by_key: dict[str, ColumnProfile] = {}
    for column in columns:
        by_key.setdefault(key(column.name), column)
    for column in columns:
        by_key.setdefault(key(_without_currency(column)), column)
    found: dict[str, ColumnProfile] = {}
    taken: set[str] = set()
    for field in COLUMNS[entity]:
        for name in _names(entity, field):
            candidate = by_key.get(name)
            if candidate and fits(field, candidate) and (name not in taken or field == "name"):
                found[field] = candidate
                if field != "id" or "name" not in COLUMNS[entity] or name not in _names(entity, "name"):
                    taken.add(name)
                break
    return found
