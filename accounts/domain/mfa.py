"""Second factors: six digits out of an authenticator app (RFC 6238), or a recovery code.

A code is taken once, also by two requests at the same time; wrong ones make the person wait, longer each time.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from urllib.parse import quote, urlencode

from django.db import transaction
from django_otp.oath import TOTP

from accounts import clock, encryption
from accounts.domain import memberships
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import TotpDevice, User

DRIFT = 1  # steps of 30 s that a phone's clock may be off, either way
FREE_TRIES = 3
LONGEST_WAIT = 900  # seconds
RECOVERY_CODES = 10


class MfaThrottled(Conflict):
    """Too many wrong codes: nothing is looked at until a while has passed."""


def get_mfa(user: User) -> TotpDevice | None:
    """Return the person's second factor, None without one; one that is only being set up is none."""
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()


def get_pending_mfa(user: User) -> TotpDevice | None:
    """Return what the person has begun to set up, None when there is nothing."""
    return TotpDevice.objects.filter(user=user, confirmed_at=None).first()


def start_enrolment(user: User) -> TotpDevice:
    """Make a secret for the person's authenticator app; it protects nothing until `confirm`. Raises Conflict."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if get_mfa(user) is not None:
            raise Conflict("You have a second factor already")
        TotpDevice.objects.filter(user=user, confirmed_at=None).delete()
        return TotpDevice.objects.create(user=user, secret_encrypted=encryption.encrypt(secrets.token_hex(20)))


def base32_secret(factor: TotpDevice) -> str:
    """Return the secret as it is typed into an app that cannot read the picture."""
    return base64.b32encode(_secret(factor)).decode("ascii")


def provisioning_uri(factor: TotpDevice) -> str:
    """Return what the picture says to the app. It holds the secret: show it once, keep it nowhere."""
    query = urlencode({"secret": base32_secret(factor), "issuer": "Dynamo", "digits": 6, "period": 30})
    return f"otpauth://totp/{quote('Dynamo:' + factor.user.get_username())}?{query}"


def confirm_enrolment(user: User, code: str) -> tuple[TotpDevice, list[str]]:
    """Switch on what was begun, once the app has given a right code; return it and the recovery codes, in clear.

    The other sessions of the person have not seen it: the caller ends them. Raises Invalid, Conflict.
    """
    with transaction.atomic():
        factor = TotpDevice.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if factor is None:
            raise Conflict("There is nothing to confirm: begin again")
        step = _matching_step(factor, code)
        if step is None:
            raise Invalid("That is not the code that the app shows now")
        codes, hashes = _recovery_codes()
        factor.confirmed_at, factor.last_step, factor.recovery = clock.now(), step, hashes
        factor.save(update_fields=["confirmed_at", "last_step", "recovery"])
        memberships.record(user_actor(user), "second_factor_on", user)
    return factor, codes


def verify_code(user: User, code: str) -> TotpDevice:
    """Take a code of the app, or a recovery code, for good; return the factor. Raises Invalid, TooSoon, Conflict."""
    with transaction.atomic():
        factor = TotpDevice.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
        if factor is None:
            raise Conflict("You have no second factor")
        wait = _wait(factor)
        if wait <= 0:
            right = _take(factor, code)
            factor.failures = 0 if right else factor.failures + 1
            factor.failed_at = None if right else clock.now()
            factor.save(update_fields=["failures", "failed_at", "last_step", "recovery"])
    if wait > 0:
        raise MfaThrottled(f"Too many wrong codes. Try again in {wait} seconds.")
    if not right:
        raise Invalid("That code is wrong, or was used already. The app shows a new one every 30 seconds.")
    return factor


def regenerate_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes; return the new ones in clear. The caller has checked a code. Raises Conflict."""
    codes, hashes = _recovery_codes()
    with transaction.atomic():
        if not TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).update(recovery=hashes):
            raise Conflict("You have no second factor")
        memberships.record(user_actor(user), "recovery_codes", user)
    return codes


def remove(actor: Actor, user: User) -> None:
    """Take the second factor away: one's own, the caller having checked password and code, or as a superuser.

    Raises Forbidden, Conflict.
    """
    if actor.user is None or not (actor.user.pk == user.pk or actor.user.is_superuser):
        raise Forbidden("Only the person themselves, or a superuser, removes a second factor")
    with transaction.atomic():
        if not TotpDevice.objects.filter(user=user).delete()[0]:
            raise Conflict("There is no second factor")
        memberships.record(actor, "second_factor_off", user)


def _secret(factor: TotpDevice) -> bytes:
    return bytes.fromhex(encryption.decrypt(factor.secret_encrypted))


def _matching_step(factor: TotpDevice, code: str) -> int | None:
    """Return the time step that the code belongs to, None when it is wrong, or not newer than the last one taken."""
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    totp = TOTP(_secret(factor))
    totp.time = clock.now().timestamp()
    right = totp.verify(int(digits), tolerance=DRIFT, min_t=factor.last_step + 1)
    return int(totp.t()) if right else None


def _take(factor: TotpDevice, code: str) -> bool:
    step = _matching_step(factor, code)
    if step is not None:
        factor.last_step = step
        return True
    hashed = _hashed(code)
    if hashed not in factor.recovery:
        return False
    factor.recovery = [item for item in factor.recovery if item != hashed]
    memberships.record(user_actor(factor.user), "recovery_code_used", factor.user, left=len(factor.recovery))
    return True


def _wait(factor: TotpDevice) -> int:
    """Return how many seconds the person has to wait: nothing for the first tries, then twice as long each time."""
    if factor.failed_at is None or factor.failures < FREE_TRIES:
        return 0
    pause = timedelta(seconds=min(2 ** min(factor.failures - FREE_TRIES + 1, 20), LONGEST_WAIT))
    left = (factor.failed_at + pause - clock.now()).total_seconds()
    return int(left) + 1 if left > 0 else 0


def _recovery_codes() -> tuple[list[str], list[str]]:
    # 80 random bits each: too many to try, so a plain hash keeps them.
    raw = [base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower() for _ in range(RECOVERY_CODES)]
    codes = ["-".join(item[at : at + 4] for at in range(0, 16, 4)) for item in raw]
    return codes, [_hashed(code) for code in codes]


def _hashed(code: str) -> str:
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode()).hexdigest()
