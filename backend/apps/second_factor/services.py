"""Set a second factor up, show it, remove it."""

import hashlib

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.passwords import require_password
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.logins import limits
from apps.second_factor import codes
from apps.second_factor.models import RecoveryCode, SecondFactor
from config.clock import database_now
from config.errors import ConflictError, CredentialsError, LockedOutError

Kind = AccountEvent.Kind
# In the session's data, which the original keeps and does not read: a log-in there shows no second factor.
PROOF = "second_factor"


def factor_of(user: User) -> SecondFactor | None:
    """Return the second factor that is in use."""
    return SecondFactor.objects.filter(user_id=user.pk).exclude(nonce="").first()


def is_required(user: User) -> bool:
    return bool(settings.SECOND_FACTOR and (user.is_staff or user.is_superuser))


def is_shown(request: HttpRequest, user: User) -> bool:
    """Return whether this session has shown the second factor that is in use now."""
    factor = factor_of(user)
    return factor is not None and request.session.get(PROOF) == _proof(factor)


def begin(*, request: HttpRequest, user: User, password: str) -> str:
    """Offer a new secret; return its address for apps. Raises InvalidError, LockedOutError and ConflictError.

    It takes the password, so that a stolen session learns no secret. The factor in use stays until ``confirm``.
    """
    _require_proof_of_old(request, user)
    require_password(request=request, user=user, password=password, field="password")
    nonce = codes.new_nonce()
    SecondFactor.objects.update_or_create(user_id=user.pk, defaults={"pending_nonce": nonce})
    return codes.address_for_apps(nonce, account=user.get_username())


def confirm(*, request: HttpRequest, user: User, code: str) -> list[str]:
    """Take the offered secret into use, if the code is of it; return the recovery codes, which are shown this once.

    Raises CredentialsError, LockedOutError and ConflictError.
    """
    _require_proof_of_old(request, user)
    attempt = _admit(request, user)
    factor = SecondFactor.objects.filter(user_id=user.pk).exclude(pending_nonce="").first()
    if factor is None:
        raise ConflictError("Nothing is being set up. Begin again.")
    nonce = factor.pending_nonce
    step = codes.step_of(nonce, codes.plain(code), now=database_now())
    if step is None:
        _refuse(request, user)
    limits.succeeded(attempt)
    with transaction.atomic():
        taken = SecondFactor.objects.filter(pk=factor.pk, pending_nonce=nonce)
        if not taken.update(nonce=nonce, pending_nonce="", confirmed_at=Now(), last_step=step):
            raise ConflictError("Another set-up was begun meanwhile. Begin again.")
        made = _make_recovery_codes(factor)
    record(Kind.FACTOR_ENROLLED, request=request, user=user)
    _remember(request, user)
    return made


def show(*, request: HttpRequest, user: User, code: str) -> None:
    """Note in the session that a right code was shown. A code counts once. Raises CredentialsError, LockedOutError."""
    attempt = _admit(request, user)
    factor = factor_of(user)
    if factor is None:
        raise ConflictError("There is no second factor yet. Set one up.")
    if _use_one_time_code(factor, codes.plain(code)):
        record(Kind.FACTOR_PROVED, request=request, user=user)
    elif _use_recovery_code(factor, codes.plain(code)):
        record(Kind.RECOVERY_USED, request=request, user=user, detail=f"{recovery_codes_left(factor)} left")
    else:
        _refuse(request, user)
    limits.succeeded(attempt)
    _remember(request, user)


def renew_recovery_codes(*, request: HttpRequest, user: User, code: str) -> list[str]:
    """Return new recovery codes in place of all old ones. Raises as :func:`show`."""
    show(request=request, user=user, code=code)
    factor = SecondFactor.objects.get(user_id=user.pk)
    with transaction.atomic():
        made = _make_recovery_codes(factor)
    record(Kind.RECOVERY_MADE, request=request, user=user)
    return made


def reset(user: User) -> bool:
    """Remove the second factor of a user who lost it; return whether there was one."""
    deleted, _ = SecondFactor.objects.filter(user_id=user.pk).delete()
    if deleted:
        record(Kind.FACTOR_RESET, request=None, user=user)
    return bool(deleted)


def recovery_codes_left(factor: SecondFactor) -> int:
    return RecoveryCode.objects.filter(factor=factor, used_at=None).count()


def _require_proof_of_old(request: HttpRequest, user: User) -> None:
    if factor_of(user) is not None and not is_shown(request, user):
        raise ConflictError("There is a second factor already. Show it first.")


def _admit(request: HttpRequest, user: User) -> limits.Attempt:
    try:
        return limits.admit_code(request, user_id=user.pk)
    except LockedOutError as error:
        if error.first:
            record(Kind.LOCKED, request=request, user=user, detail="codes of the second factor")
        raise


def _refuse(request: HttpRequest, user: User) -> None:
    record(Kind.FACTOR_REFUSED, request=request, user=user)
    raise CredentialsError("This code is wrong, over, or was used already.", code="wrong-code")


def _use_one_time_code(factor: SecondFactor, code: str) -> bool:
    step = codes.step_of(factor.nonce, code, now=database_now())
    # One statement decides whether a newer code was used: of two requests with the same code one is let in.
    newer = SecondFactor.objects.filter(pk=factor.pk, nonce=factor.nonce, last_step__lt=step or 0)
    return step is not None and newer.update(last_step=step) == 1


def _use_recovery_code(factor: SecondFactor, code: str) -> bool:
    wanted = codes.hash_of_recovery_code(code, factor_id=factor.pk)
    unused = RecoveryCode.objects.filter(factor=factor, code_hash=wanted, used_at=None)
    return unused.update(used_at=Now()) == 1


def _make_recovery_codes(factor: SecondFactor) -> list[str]:
    made = codes.new_recovery_codes()
    RecoveryCode.objects.filter(factor=factor).delete()
    hashes = [codes.hash_of_recovery_code(code, factor_id=factor.pk) for code in made]
    RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, code_hash=one) for one in hashes)
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _remember(request: HttpRequest, user: User) -> None:
    # Another key: a session that was stolen before may do no more than before.
    request.session.cycle_key()
    factor = SecondFactor.objects.get(user_id=user.pk)
    request.session[PROOF] = _proof(factor)


def _proof(factor: SecondFactor) -> str:
    return hashlib.sha256(factor.nonce.encode()).hexdigest()
