"""What the original does with accounts, groups and permissions; it knows the old shape only."""

import os

from accounts.models import Account
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.db.models import Count

stage = os.environ["STAGE"].replace(" ", "-")
account = Account.objects.create_user(f"original-{stage}@example.org", "a password of the original")
assert authenticate(username=account.email, password="a password of the original") == account
group = Group.objects.create(name=f"of the original, {stage}")
account.groups.add(group, Group.objects.get(name="teachers"))
group.permissions.add(Permission.objects.get(codename="add_account"))
assert Account.objects.get(pk=account.pk).has_perm("accounts.add_account")
assert account.joined == Account.objects.get(email=account.email, groups__name=group.name).joined
# Through a view, PostgreSQL groups by every selected column only, not by the key alone.
sizes = dict(Group.objects.values_list("pk", "name").annotate(size=Count("user")).values_list("pk", "size"))
assert sizes[group.pk] == 1
print(f"{Account.objects.count()} accounts, {Group.objects.count()} groups, {sum(sizes.values())} memberships")
