"""Facebook Login: the state of the dialog, the exchange of its code, and the Pages until channels are chosen.

The state is signed for one session and carries a nonce, which the exchange stores: it is good once, for STATE_LIFE. The
tokens are in the row of the login, encrypted, never on a page.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from accounts import clock, encryption
from accounts.domain.actors import Actor
from accounts.encryption import InvalidToken
from accounts.exceptions import DomainError, Invalid
from accounts.models import Organization, User
from posts.domain import channel_tokens
from posts.domain.channel_tokens import INSTAGRAM, PAGE, PERMISSIONS, Permission, VerifiedToken
from posts.graph import login
from posts.graph.errors import GraphError
from posts.graph.login import LinkedAccount, PageAccount, TokenInfo
from posts.models import Channel, ChannelType, FacebookLogin

STATE_LIFE = 600  # seconds from the way to the dialog to the exchange
LOGIN_LIFE = timedelta(minutes=30)  # in which the channels are chosen
EXPIRED = "This login has expired: it is good for ten minutes. Start again."
USED = "This login was used already. Start again."
NO_PAGES = (
    "Facebook returned no Page. Choose at least one in the dialog. If you did, the Page may belong to a business "
    "portfolio that has not given this app access, or your role on it is too small."
)


class State(NamedTuple):
    """What the state of the dialog carries."""

    nonce: str
    organization_id: str
    channel_id: int | None


@dataclass(frozen=True)
class Answer:
    """What the dialog and the platform answered: the person, the status of each permission, and the Pages."""

    user_id: str
    permissions: dict[str, str]
    pages: list[PageAccount]

    @property
    def granted(self) -> list[str]:
        return [name for name, status in self.permissions.items() if status == "granted"]


class Choice(NamedTuple):
    """A channel that a login offers. `problem`: why it cannot be connected. `channel`: the organization's, if any."""

    type: ChannelType
    platform_id: str
    name: str
    page_name: str
    problem: str
    channel: Channel | None

    @property
    def public_id(self) -> str:
        return f"{self.type}_{self.platform_id}"


def dialog_url(
    session_key: str, organization: Organization, channel: Channel | None, redirect_uri: str, *, rerequest: bool = False
) -> str:
    """Return the address of the dialog, with a fresh state for this session. Stores nothing."""
    content = [secrets.token_urlsafe(24), str(organization.pk), channel.pk if channel else None]
    state = signing.dumps(content, salt=_salt(session_key))
    names = [permission.name for permission in PERMISSIONS]
    return login.dialog_url(redirect_uri=redirect_uri, state=state, permissions=names, rerequest=rerequest)


def read_state(session_key: str, text: str) -> State:
    """Return the content of a state of this session. Raises Invalid for another session's, an old and a forged one."""
    try:
        return State(*signing.loads(text, salt=_salt(session_key), max_age=STATE_LIFE))
    except signing.SignatureExpired:
        raise Invalid(EXPIRED) from None
    except (signing.BadSignature, ValueError, TypeError):
        raise Invalid("This login was not started in this session. Start again.") from None


def exchange(
    user: User, organization: Organization, channel: Channel | None, *, nonce: str, code: str, redirect_uri: str
) -> FacebookLogin:
    """Use the state up, exchange the code, and store what the person granted. Raises Invalid with the reason.

    Makes up to six calls and one for each hundred Pages; not in a transaction, so that the used state stays used.
    """
    channel_tokens.require_configured()
    delete_expired()
    try:
        with transaction.atomic():
            row = FacebookLogin.objects.create(user=user, organization=organization, channel=channel, nonce=nonce)
    except IntegrityError:
        raise Invalid(USED) from None
    try:
        answer = _read_answer(code, redirect_uri)
    except GraphError as error:
        raise Invalid(_exchange_problem(error, redirect_uri)) from None
    row.answer_encrypted = encryption.encrypt(json.dumps(asdict(answer)))
    row.save(update_fields=["answer_encrypted"])
    return row


@sensitive_variables("token")
def _read_answer(code: str, redirect_uri: str) -> Answer:
    token = login.exchange_code(code, redirect_uri)
    info = login.debug_token(token)
    token = channel_tokens.long_lived(token, info)
    permissions = _permissions(token, info)
    pages = login.read_pages(token, instagram=permissions.get("instagram_basic") == "granted")
    return Answer(info.user_id, permissions, list(pages))


def _permissions(token: str, info: TokenInfo) -> dict[str, str]:
    """Return the status of each permission. A system user was asked for none: those of its token are granted."""
    if info.kind == "SYSTEM_USER":
        return dict.fromkeys(sorted(info.permissions), "granted")
    return login.read_permissions(token)


def _exchange_problem(error: GraphError, redirect_uri: str) -> str:
    sentences = {
        login.CODE_USED: USED,
        login.CODE_EXPIRED: EXPIRED,
        login.WRONG_ADDRESS: (
            f"Facebook expects another redirect address. List {redirect_uri} among the valid OAuth redirect URIs of "
            "the Meta app, and check DYNAMO_ADMIN_URL."
        ),
    }
    code = (error.code or 0, error.subcode or 0)
    return sentences.get(code) or f"Facebook Login failed. {channel_tokens.platform_problem(error)}"


def find_login(user: User, pk: Any) -> FacebookLogin | None:
    """Return the user's own login with an answer that is not older than LOGIN_LIFE."""
    recent = clock.now() - LOGIN_LIFE
    rows = FacebookLogin.objects.filter(pk=pk, user=user, created_at__gt=recent).exclude(answer_encrypted="")
    return rows.select_related("organization", "channel").first()


@sensitive_variables("answer")
def read_answer(row: FacebookLogin) -> Answer:
    """Return the stored answer. Raises Invalid when its encryption key is missing."""
    try:
        answer = json.loads(encryption.decrypt(row.answer_encrypted))
    except InvalidToken:
        raise Invalid("The login cannot be decrypted: an encryption key is missing") from None
    pages = [
        PageAccount(**{**page, "instagram": LinkedAccount(**page["instagram"]) if page["instagram"] else None})
        for page in answer["pages"]
    ]
    return Answer(answer["user_id"], answer["permissions"], pages)


def choices(organization: Organization, answer: Answer) -> list[Choice]:
    """Return the Pages and their Instagram accounts in the platform's order."""
    known = {channel.public_id: channel for channel in Channel.objects.filter(organization=organization)}
    found = []
    for page in answer.pages:
        accounts = [(PAGE, page.id, page.name)]
        if page.instagram is not None:
            accounts.append((INSTAGRAM, page.instagram.id, page.instagram.username or page.instagram.name))
        for type_, platform_id, name in accounts:
            problem = _choice_problem(answer, page, type_)
            channel = known.get(f"{type_}_{platform_id}")
            found.append(Choice(type_, platform_id, name or platform_id, page.name, problem, channel))
    return found


def _choice_problem(answer: Answer, page: PageAccount, type_: ChannelType) -> str:
    if not channel_tokens.may_publish(page):
        return "You may not create content on this Page. Ask one of its administrators for that task."
    if not page.token:
        return "Facebook gave no access token for this Page."
    lacking = [each for each in channel_tokens.missing_permissions(answer.granted, type_) if each.required]
    if lacking:
        return f"You did not allow Dynamo to {lacking[0].purpose}."
    return ""


def missing(answer: Answer) -> list[Permission]:
    """Return the permissions that the person did not grant."""
    return [permission for permission in PERMISSIONS if permission.name not in answer.granted]


def not_in_configuration(answer: Answer) -> list[Permission]:
    """Return the permissions that the configuration of Login for Business does not ask for."""
    if not settings.GRAPH_LOGIN_CONFIG_ID:
        return []
    return [permission for permission in PERMISSIONS if permission.name not in answer.permissions]


def granted(answer: Answer) -> list[Permission]:
    return [permission for permission in PERMISSIONS if permission.name in answer.granted]


@sensitive_variables("tokens")
def connect_chosen(
    actor: Actor, row: FacebookLogin, public_ids: set[str]
) -> tuple[list[tuple[Channel, VerifiedToken]], list[str]]:
    """Verify and connect the chosen channels; return the connected ones, and a sentence for each that was refused.

    The answer with the tokens is deleted when every chosen channel was connected.
    """
    answer = read_answer(row)
    tokens = {page.id: page.token for page in answer.pages}
    tokens |= {page.instagram.id: page.token for page in answer.pages if page.instagram}
    connected, problems = [], []
    for choice in choices(row.organization, answer):
        if choice.public_id not in public_ids:
            continue
        if choice.problem:
            problems.append(f"{choice.name}: {choice.problem}")
            continue
        try:
            verified = channel_tokens.verify(tokens[choice.platform_id], choice.type, choice.platform_id)
            channel = channel_tokens.connect(
                actor, row.organization, verified, means="Facebook Login", meta_user=answer.user_id or None
            )
            connected.append((channel, verified))
        except DomainError as error:
            problems.append(f"{choice.name}: {error.message}.")
    if connected and not problems:
        forget(row)
    return connected, problems


def forget(row: FacebookLogin) -> None:
    """Delete the tokens of the login. The row stays until its state has expired."""
    FacebookLogin.objects.filter(pk=row.pk).update(answer_encrypted="")


def forget_person(user_id: str) -> int:
    """Delete the answers of this person at Facebook, with the tokens of their Pages; return how many."""
    rows = FacebookLogin.objects.exclude(answer_encrypted="")
    theirs = [row.pk for row in rows if _person(row) in {user_id, None}]
    return FacebookLogin.objects.filter(pk__in=theirs).update(answer_encrypted="")


def _person(row: FacebookLogin) -> str | None:
    """Return whose answer it is, None when that cannot be read."""
    try:
        return read_answer(row).user_id
    except Invalid:
        return None


def delete_expired() -> int:
    """Delete the logins that are older than LOGIN_LIFE; their states have expired before."""
    return FacebookLogin.objects.filter(created_at__lte=clock.now() - LOGIN_LIFE).delete()[0]


def _salt(session_key: str) -> str:
    return f"facebook-login:{session_key}"
