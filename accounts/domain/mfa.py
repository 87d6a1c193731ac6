"""Two-factor authentication: six digits from an authenticator app (RFC 6238), or a recovery code.

Each code is accepted once, also with concurrent requests: the device's row is locked. Wrong codes are throttled.
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

DRIFT = 1  # steps of 30 s that the phone's clock may differ, in either direction
FREE_ATTEMPTS = 3
MAX_WAIT = 900  # seconds
RECOVERY_CODES = 10


def get_mfa(user: User) -> TotpDevice | None:
    """Return the user's confirmed device."""
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()


def get_pending_mfa(user: User) -> TotpDevice | None:
    """Return the device that the user has created and not confirmed."""
    return TotpDevice.objects.filter(user=user, confirmed_at=None).first()


def start_enrolment(user: User) -> TotpDevice:
    """Replace the pending device, which has no effect until it is confirmed. Locks the user. Raises Conflict."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if get_mfa(user) is not None:
            raise Conflict("Two-factor authentication is already on")
        TotpDevice.objects.filter(user=user, confirmed_at=None).delete()
        return TotpDevice.objects.create(user=user, secret_encrypted=encryption.encrypt(secrets.token_hex(20)))


def base32_secret(device: TotpDevice) -> str:
    """Return the secret as it is typed into an app."""
    return base64.b32encode(_secret(device)).decode("ascii")


def provisioning_uri(device: TotpDevice) -> str:
    """Return the content of the QR code. It contains the secret: show it once, do not store it."""
    query = urlencode({"secret": base32_secret(device), "issuer": "Dynamo", "digits": 6, "period": 30})
    return f"otpauth://totp/{quote('Dynamo:' + device.user.get_username())}?{query}"


def confirm_enrolment(user: User, code: str) -> tuple[TotpDevice, list[str]]:
    """Confirm the pending device with a code of it; return it and the recovery codes in clear. Locks the device.

    The caller ends the user's other sessions. Raises Invalid, Conflict.
    """
    with transaction.atomic():
        device = TotpDevice.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if device is None:
            raise Conflict("No setup in progress: start again")
        step = _matching_step(device, code)
        if step is None:
            raise Invalid("Invalid code")
        codes, hashes = _create_recovery_codes()
        device.confirmed_at, device.last_step, device.recovery = clock.now(), step, hashes
        device.save(update_fields=["confirmed_at", "last_step", "recovery"])
        memberships.record(user_actor(user), "second_factor_on", user)
    return device, codes


def verify_code(user: User, code: str) -> TotpDevice:
    """Consume a code of the app, or a recovery code. Locks the device. Raises Invalid; Conflict while throttled."""
    with transaction.atomic():
        device = TotpDevice.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
        if device is None:
            raise Conflict("Two-factor authentication is not set up")
        wait = _seconds_to_wait(device)
        if wait <= 0:
            accepted = _consume_code(device, code)
            device.failures = 0 if accepted else device.failures + 1
            device.failed_at = None if accepted else clock.now()
            device.save(update_fields=["failures", "failed_at", "last_step", "recovery"])
    # Raised after the commit: the count of failures must not be rolled back.
    if wait > 0:
        raise Conflict(f"Too many wrong codes. Try again in {wait} seconds.")
    if not accepted:
        raise Invalid("Invalid or already used code. The app shows a new one every 30 seconds.")
    return device


def regenerate_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes; return the new ones in clear. The caller has verified a code. Raises Conflict."""
    codes, hashes = _create_recovery_codes()
    with transaction.atomic():
        if not TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).update(recovery=hashes):
            raise Conflict("Two-factor authentication is not set up")
        memberships.record(user_actor(user), "recovery_codes", user)
    return codes


def remove(actor: Actor, user: User) -> None:
    """Delete the device. The user themselves has verified password and code. Raises Forbidden, Conflict."""
    if not memberships.may_recover(actor, user):
        raise Forbidden("You do not have permission to turn off the two-factor authentication of this user")
    with transaction.atomic():
        if not TotpDevice.objects.filter(user=user).delete()[0]:
            raise Conflict("Two-factor authentication is not set up")
        memberships.record(actor, "second_factor_off", user)


def _secret(device: TotpDevice) -> bytes:
    return bytes.fromhex(encryption.decrypt(device.secret_encrypted))


def _matching_step(device: TotpDevice, code: str) -> int | None:
    """Return the time step of the code; None when it is wrong, or not later than the last step accepted."""
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    totp = TOTP(_secret(device))
    totp.time = clock.now().timestamp()
    if not totp.verify(int(digits), tolerance=DRIFT, min_t=device.last_step + 1):
        return None
    return int(totp.t())


def _consume_code(device: TotpDevice, code: str) -> bool:
    """Whether the code is valid; sets `last_step` or removes the recovery code, without saving."""
    step = _matching_step(device, code)
    if step is not None:
        device.last_step = step
        return True
    code_hash = _hash_code(code)
    if code_hash not in device.recovery:
        return False
    device.recovery = [stored for stored in device.recovery if stored != code_hash]
    memberships.record(user_actor(device.user), "recovery_code_used", device.user, left=len(device.recovery))
    return True


def _seconds_to_wait(device: TotpDevice) -> int:
    """Return 0 for the first FREE_ATTEMPTS failures, then the rest of a pause that doubles with each failure."""
    if device.failed_at is None or device.failures < FREE_ATTEMPTS:
        return 0
    pause = timedelta(seconds=min(2 ** min(device.failures - FREE_ATTEMPTS + 1, 20), MAX_WAIT))
    left = (device.failed_at + pause - clock.now()).total_seconds()
    return int(left) + 1 if left > 0 else 0


def _create_recovery_codes() -> tuple[list[str], list[str]]:
    """Return codes and their hashes. A plain hash is enough, because a code has 80 random bits."""
    raw = [base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower() for _ in range(RECOVERY_CODES)]
    codes = ["-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in raw]
    return codes, [_hash_code(code) for code in codes]


def _hash_code(code: str) -> str:
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode()).hexdigest()
