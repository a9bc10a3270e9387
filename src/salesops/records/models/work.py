"""Users, audit, and the one table of each kind of work that the whole product shares."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """Somebody who signs in, or whom a program acts as. `roles` is a space-separated list of words (see `records.access`)."""

    username = models.TextField(unique=True)
    name = models.TextField(default="")
    person = models.BigIntegerField(null=True, blank=True, db_index=True)
    roles = models.TextField(default="rep")
    pay_group = models.TextField(default="")
    is_active = models.BooleanField(default=True)
    created = models.BigIntegerField(default=0)
    second_factor = models.TextField(default="", db_default="")  # the sealed secret of an authenticator; empty = none
    second_factor_step = models.BigIntegerField(
        default=0, db_default=0
    )  # the 30 seconds of the last code used: none is good twice

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()


class RecoveryCode(models.Model):
    """What signs a user in, once, whose authenticator is lost. Only a digest is kept."""

    user = models.TextField(db_index=True)
    digest = models.TextField(unique=True)
    created = models.BigIntegerField()
    used = models.BigIntegerField(null=True)


class SignInCount(models.Model):
    """Attempts to sign in since the last that was good, by a digest of the account's name or of the address; shared by all workers."""

    key = models.TextField(unique=True)
    tries = models.IntegerField(default=0)
    last = models.BigIntegerField(db_index=True)
    until = models.BigIntegerField(default=0)  # before this moment no attempt is looked at


class UsedLink(models.Model):
    """A sign-in link that has signed somebody in; kept until it would have ended anyway."""

    digest = models.TextField(unique=True)
    until = models.BigIntegerField(db_index=True)


class ApiToken(models.Model):
    """What a program shows to act as a user over REST. Only a digest of its secret is kept; `scopes` are separated by spaces."""

    key = models.TextField(unique=True)  # the public part of the token: finds the row
    digest = models.TextField()
    user = models.TextField(db_index=True)
    name = models.TextField()
    scopes = models.TextField()
    created = models.BigIntegerField()
    created_by = models.TextField()
    expires = models.BigIntegerField(null=True)
    last_used = models.BigIntegerField(null=True)
    revoked = models.BigIntegerField(null=True)


class AnsweredKey(models.Model):
    """The answer to a writing call with an Idempotency-Key, stored in the call's own transaction and given again to its repetition."""

    user = models.TextField()
    key = models.TextField()
    digest = models.TextField()  # of method, path and content
    status = models.IntegerField()
    headers = models.TextField(default="{}")
    body = models.TextField()
    created = models.BigIntegerField(db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "key"], name="one_answer_a_key")
        ]


class AuditEntry(models.Model):
    """One action: who, what, how many rows, digest; chained by hash to the entry before it."""

    at = models.BigIntegerField()
    user = models.TextField()
    door = models.TextField(default="python")
    action = models.TextField(db_index=True)
    entity = models.TextField(default="")
    record = models.BigIntegerField(null=True)
    batch = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(default=0)
    detail = models.TextField(default="{}")
    digest = models.TextField(default="")
    previous = models.TextField(default="")
    hash = models.TextField(unique=True)


class Branch(models.Model):
    room = models.TextField()
    name = models.TextField()
    status = models.TextField(default="draft")
    base = models.TextField(default="")
    created_by = models.TextField()
    created = models.BigIntegerField()
    published = models.BigIntegerField(null=True)
    effective = models.DateField(null=True)


class ApprovalRequest(models.Model):
    """Something that one person proposed and another decides (`records.approvals`): open, then decided once."""

    OPEN, APPROVED, DECLINED, WITHDRAWN, REPLACED = "open", "approved", "declined", "withdrawn", "replaced"

    kind = models.TextField(default="")
    subject = models.TextField()  # what it is about: an entity, user, batch ...
    subject_id = models.TextField()
    title = models.TextField(default="")
    held = models.TextField(default="{}")  # JSON: what is needed to do it
    lines = models.TextField(default="[]")  # JSON: what changes, [what, before, after]
    more = models.IntegerField(default=0)  # lines that are not listed
    base = models.TextField(default="")  # digest of what the proposer saw: another one now means stale
    note = models.TextField(default="")  # why, by who asked
    policy = models.TextField(default="two_person")
    status = models.TextField(default=OPEN)
    asked_by = models.TextField()
    decided_by = models.TextField(default="")
    asked = models.BigIntegerField()
    decided = models.BigIntegerField(null=True)
    reason = models.TextField(default="")  # why, by who decided

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="approval_status",
                condition=models.Q(status__in=("open", "approved", "declined", "withdrawn", "replaced")),
            ),
            models.CheckConstraint(name="approval_policy", condition=models.Q(policy__in=("two_person", "self"))),
            models.CheckConstraint(
                name="approval_open_or_decided",
                condition=models.Q(status="open", decided__isnull=True, decided_by="")
                | (models.Q(decided__isnull=False) & ~models.Q(status="open") & ~models.Q(decided_by="")),
            ),
            models.CheckConstraint(
                name="approval_by_another",
                condition=~models.Q(status__in=("approved", "declined"))
                | models.Q(policy="self", decided_by=models.F("asked_by"))
                | (models.Q(policy="two_person") & ~models.Q(decided_by=models.F("asked_by"))),
            ),
            models.CheckConstraint(
                name="approval_declined_with_reason", condition=~models.Q(status="declined") | ~models.Q(reason="")
            ),
            models.UniqueConstraint(
                fields=["kind", "subject", "subject_id"], condition=models.Q(status="open"), name="one_open_approval"
            ),
        ]


class Task(models.Model):
    """Something that somebody should do by a day."""

    title = models.TextField()
    owner = models.TextField(default="")
    due = models.DateField(null=True)
    source = models.TextField(default="action")  # meeting, finding, dispute, quality, friction, action
    subject = models.TextField(default="")
    subject_id = models.TextField(default="")
    status = models.TextField(default="open")
    note = models.TextField(default="")
    created_by = models.TextField()
    created = models.BigIntegerField()
    done = models.BigIntegerField(null=True)


class Comment(models.Model):
    subject = models.TextField()
    subject_id = models.TextField()
    text = models.TextField()
    user = models.TextField()
    created = models.BigIntegerField()


class Document(models.Model):
    subject = models.TextField(default="")
    subject_id = models.TextField(default="")
    name = models.TextField()
    media_type = models.TextField(default="text/plain")
    content = models.BinaryField()
    user = models.TextField()
    created = models.BigIntegerField()


class SavedView(models.Model):
    name = models.TextField()
    page = models.TextField()
    query = models.TextField()
    user = models.TextField()
    shared = models.BooleanField(default=False)
    created = models.BigIntegerField()


class Alert(models.Model):
    metric = models.TextField()
    rule = models.TextField()
    user = models.TextField()
    active = models.BooleanField(default=True)
    created = models.BigIntegerField()
    recipients = models.TextField(default="[]")  # as of a report
    firing = models.TextField(default="")  # the period in which it last told; empty while all is well


class UserMetric(models.Model):
    """A metric that somebody defined (`salesops.metrics.defined`): one row for each content that it had, the current one open."""

    name = models.TextField(db_index=True)
    definition = models.TextField()
    digest = models.TextField(default="")
    user = models.TextField()
    created = models.BigIntegerField()
    ended = models.BigIntegerField(null=True)
    ended_by = models.TextField(default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], condition=models.Q(ended__isnull=True), name="user_metric_current")
        ]


class Outbox(models.Model):
    """Events written in the same transaction as the change that they tell of."""

    topic = models.TextField()
    payload = models.TextField()
    created = models.BigIntegerField()
    delivered = models.BigIntegerField(null=True, db_index=True)


class JobRun(models.Model):
    """A run of something long: what it read, with which code and parameters, and how it ended.

    What the worker runs (`salesops.jobs`) is `waiting` until it is due, and has a `key` that no second run may have. While it runs, it is
    held by a `worker` until `lease` (extended as long as that lives).
    """

    kind = models.TextField()
    status = models.TextField(default="running")
    user = models.TextField()
    parameters = models.TextField(default="{}")
    result = models.TextField(default="{}")
    started = models.BigIntegerField()
    finished = models.BigIntegerField(null=True)
    key = models.TextField(null=True, unique=True)
    subject = models.TextField(default="", db_index=True)  # what it is a run of: report:3
    due = models.BigIntegerField(null=True, db_index=True)
    tries = models.IntegerField(default=0)
    lease = models.BigIntegerField(null=True)
    worker = models.TextField(default="")


class Report(models.Model):
    """Figures or a page that is sent to people at times (`salesops.reports`). It shows what its owner sees."""

    name = models.TextField()
    owner = models.TextField(db_index=True)
    question = models.TextField()  # JSON: what is asked
    form = models.TextField(default="pdf")  # pdf, xlsx, text
    recipients = models.TextField(default="[]")  # JSON: addresses; those with secrets in them sealed
    schedule = models.TextField(default="")  # weekly monday 07:00; empty: by hand
    only = models.TextField(default="")  # changed, alert; empty: always
    active = models.BooleanField(default=True)
    since = models.BigIntegerField()  # times before it are not due
    digest = models.TextField(default="")  # of the figures that were sent last
    created = models.BigIntegerField()


class Delivery(models.Model):
    """One message of a run to one recipient: noted before it is sent, marked when the other side has taken it."""

    run = models.BigIntegerField(db_index=True)
    recipient = models.TextField()  # as it is shown: never a secret
    message_id = models.TextField()
    tries = models.IntegerField(default=0)
    begun = models.BigIntegerField()
    sent = models.BigIntegerField(null=True)
    problem = models.TextField(default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "recipient"], name="one_delivery_a_recipient")]


class Notice(models.Model):
    """Something that the product tells a user in the inbox; `key` keeps it from being told twice."""

    user = models.TextField(db_index=True)
    key = models.TextField(unique=True)
    title = models.TextField()
    text = models.TextField(default="")
    link = models.TextField(default="")
    created = models.BigIntegerField()
    read = models.BigIntegerField(null=True)


class Seen(models.Model):
    """How far a user has read: the number of the latest comment that was there when they opened the inbox."""

    user = models.TextField(unique=True)
    comment = models.BigIntegerField(default=0)
