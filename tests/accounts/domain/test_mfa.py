"""Two-factor codes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock, encryption
from accounts.domain import mfa
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import TotpDevice, User
from tests.accounts.admin.test_login import code_of, enrol


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (29, True), (-29, True), (65, False), (-65, False)])
def test_code_is_accepted_with_a_clock_drift_of_30_s(reviewer: User, seconds: int, good: bool) -> None:
    enrol(reviewer)
    noon = (clock.now() + timedelta(hours=1)).replace(second=15, microsecond=0)
    with time_machine.travel(noon, tick=False):
        code = code_of(reviewer)
    with time_machine.travel(noon + timedelta(seconds=seconds), tick=False):
        if good:
            assert mfa.verify_code(reviewer, code).user == reviewer
        else:
            with pytest.raises(Invalid):
                mfa.verify_code(reviewer, code)


def test_used_and_older_codes_are_refused(reviewer: User) -> None:
    enrol(reviewer)
    noon = (clock.now() + timedelta(hours=1)).replace(second=15, microsecond=0)
    with time_machine.travel(noon, tick=False) as now:
        older = code_of(reviewer)
        now.shift(30)
        newer = code_of(reviewer)
        mfa.verify_code(reviewer, newer)
        for code in (newer, older):
            with pytest.raises(Invalid):
                mfa.verify_code(reviewer, code)


def test_wrong_codes_throttle_the_right_one_too(reviewer: User) -> None:
    enrol(reviewer)
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False) as now:
        for _ in range(mfa.FREE_ATTEMPTS):
            with pytest.raises(Invalid):
                mfa.verify_code(reviewer, "abcdef")
        with pytest.raises(Conflict, match="Too many wrong codes"):
            mfa.verify_code(reviewer, code_of(reviewer))
        now.shift(3)
        mfa.verify_code(reviewer, code_of(reviewer))
        assert TotpDevice.objects.get().failures == 0

        TotpDevice.objects.update(failures=50, failed_at=clock.now())
        now.shift(mfa.MAX_WAIT - 5)
        with pytest.raises(Conflict, match="Too many wrong codes"):
            mfa.verify_code(reviewer, code_of(reviewer))
        now.shift(10)
        mfa.verify_code(reviewer, code_of(reviewer))


def test_pending_device_has_no_effect(reviewer: User, author: User) -> None:
    mfa.start_enrolment(reviewer)
    assert mfa.get_mfa(reviewer) is None
    with pytest.raises(Conflict):
        mfa.verify_code(reviewer, code_of(reviewer))
    mfa.confirm_enrolment(reviewer, code_of(reviewer))
    with pytest.raises(Conflict):
        mfa.start_enrolment(reviewer)
    with pytest.raises(Forbidden):
        mfa.remove(user_actor(author), reviewer)


def test_secret_is_readable_after_reencryption(reviewer: User, settings: Any) -> None:
    codes = enrol(reviewer)
    settings.ENCRYPTION_KEYS = ["the new one", *settings.ENCRYPTION_KEYS]
    done = [
        worked
        for model, column in encryption.encrypted_columns()
        for worked in encryption.reencrypt_column(model, column)
    ]
    assert done == [True]
    settings.ENCRYPTION_KEYS = ["the new one"]
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        mfa.verify_code(reviewer, code_of(reviewer))
    fresh = mfa.regenerate_recovery_codes(reviewer)
    with pytest.raises(Invalid):
        mfa.verify_code(reviewer, codes[0])
    mfa.verify_code(reviewer, fresh[0])
