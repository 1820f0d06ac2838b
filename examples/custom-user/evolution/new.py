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
group = Group.objects.create(name=f"of the new service, {stage}")
account.groups.add(group)
Device.objects.create(owner=account, group=group, address=f"phone, {stage}")
assert Device.objects.get(group__name=group.name).group_id == group.pk
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_typeof(g.id)::text, pg_typeof(d.group_id)::text FROM auth_group g, devices d LIMIT 1")
    assert cursor.fetchone() == ("bigint", "bigint")
if stage == "contracted":
    big = Group.objects.create(pk=3_000_000_000, name="beyond 32 bits")
    account.groups.add(big)
    Device.objects.filter(owner=account).update(group=big)
print(f"{Account.objects.count()} accounts, {Group.objects.count()} groups, {Device.objects.count()} devices")
