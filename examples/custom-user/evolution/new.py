"""What the new service does with the new shape."""

import os

from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.db import connection
from members.models import Account, Device

stage = os.environ["STAGE"].replace(" ", "-")
if stage != "contracted":
    theirs = authenticate(username=f"original-{stage}@example.org", password="a password of the original")
    assert theirs.has_perm("accounts.add_account")
    assert {group.name for group in theirs.groups.all()} == {"teachers", f"of the original, {stage}"}
account = Account.objects.create_user(f"new-{stage}@example.org", "a password of the new service", nickname="n")
assert Account.objects.get(pk=account.pk).joined_at == account.joined_at
Device.objects.create(owner=account, address=f"phone, {stage}")
group = Group.objects.create(name=f"of the new service, {stage}")
account.groups.add(group)
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_typeof(id)::text FROM auth_group LIMIT 1")
    assert cursor.fetchone() == ("bigint",)
if stage == "contracted":
    big = Group.objects.create(pk=3_000_000_000, name="beyond 32 bits")
    account.groups.add(big)
print(f"{Account.objects.count()} accounts, {Group.objects.count()} groups, {Device.objects.count()} devices")
