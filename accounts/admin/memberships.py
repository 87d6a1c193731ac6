"""Members: every member sees the list; organization admins invite, change and remove, but never themselves."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts import clock
from accounts.admin.base import (
    column,
    current_user,
    domain_errors_in,
    organizations_with_role,
    reauthenticated_actor,
    render_page,
)
from accounts.admin.users import SuperuserManagedAdmin, administered_organizations, is_superuser
from accounts.domain import account_recovery, identities, invitations, memberships, sessions
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.models import Invitation, Membership, Organization, Role

LIST = "admin:accounts_membership_changelist"


class MemberForm(forms.Form):
    """Role and review permission in one organization. All channels is an explicit choice, not an empty selection."""

    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.EDITOR,
        help_text="Viewers read, editors write, admins also manage channels, API keys and members.",
    )
    may_review = forms.BooleanField(required=False, label="Can approve posts")
    reach = forms.ChoiceField(
        required=False,
        label="Can approve posts on",
        choices=[("all", "All channels, including those connected later"), ("some", "Only these channels:")],
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, label="Channels", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["channels"]
        channels = organization.channels.order_by("name", "public_id")
        field.choices = [(channel.public_id, f"{channel.name} ({channel.get_type_display()})") for channel in channels]

    def clean(self) -> dict[str, Any]:
        """Require a choice of channels for a reviewer. Channels selected beside "all channels" are ignored."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("may_review"):
            reach = cleaned.get("reach")
            if reach == "":
                self.add_error("reach", "Choose all channels, or only some.")
            if reach == "some" and "channels" in cleaned and not cleaned["channels"]:
                self.add_error("channels", "Select at least one channel, or choose all channels.")
        return cleaned

    def cleaned_membership_fields(self) -> dict[str, Any]:
        """Return the columns of a membership or invitation; `review_channels` is missing when it shall not change."""
        cleaned = self.cleaned_data
        fields: dict[str, Any] = {"role": cleaned["role"], "may_review": cleaned["may_review"]}
        if cleaned["reach"] == "all":
            fields["review_channels"] = None
        elif cleaned["reach"] and cleaned["channels"]:
            fields["review_channels"] = cleaned["channels"]
        return fields


class RecoveryForm(forms.Form):
    """What an administrator can do for a colleague who cannot sign in. It never shows or sets a password."""

    reset_password = forms.BooleanField(
        required=False,
        label="Reset the password",
        help_text="The old one stops working, all sessions end, and a link to choose a new one is mailed to them.",
    )
    reset_mfa = forms.BooleanField(
        required=False,
        label="Reset two-factor authentication",
        help_text="Verify the person's identity first, by phone or face to face: they then sign in with the password "
        "alone.",
    )
    sign_out = forms.BooleanField(required=False, initial=True, label="Sign the person out everywhere")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not any(cleaned.values()):
            raise forms.ValidationError("Choose what to reset.")
        return cleaned


class InviteForm(MemberForm):
    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role", "may_review", "reach", "channels")


def _invitation_link(token: str) -> str:
    return settings.ADMIN_URL + reverse("admin_invitation", args=[token])


@admin.register(Membership)
class MembershipAdmin(SuperuserManagedAdmin):
    list_display = ("person", "email", "organization", "role", "reviews", "mfa", "identity", "last_login")
    list_select_related = ("user__totp_device", "organization")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter), "role", "may_review")
    search_fields = ("user__username", "user__first_name", "user__last_name")
    search_help_text = "Person"
    ordering = ("organization__name", "user__username")
    fields = ("organization", "user", "role", "may_review")  # of the superuser's form for a new one
    add_title = "Add a member"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add `unconfirmed_inviter`: the username of the person that the member counts as, null when confirmed."""
        invitations_of_member = Invitation.objects.filter(
            organization=OuterRef("organization"), accepted_by=OuterRef("user"), identity_confirmed_at=None
        )
        inviter = Subquery(invitations_of_member.values("invited_by__username")[:1])
        rows: QuerySet[Any] = super().get_queryset(request).annotate(unconfirmed_inviter=inviter)
        return rows

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's signature
        help_text = "Can approve posts on all channels. To limit this to some channels, open the member afterwards."
        return super().get_form(request, obj, change, help_texts={"may_review": help_text}, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="accounts_membership_changelist"),
            path("add/", wrap(self.add_view), name="accounts_membership_add"),
            path("invite/", wrap(self.invite_view), name="accounts_membership_invite"),
            path("invited/<uuid:pk>/revoke/", wrap(self.revoke_view), name="accounts_membership_revoke"),
            path("<str:object_id>/change/", wrap(self.change_view), name="accounts_membership_change"),
            path("<str:object_id>/recovery/", wrap(self.recovery_view), name="accounts_membership_recovery"),
            path("<int:pk>/confirm/", wrap(self.confirm_view), name="accounts_membership_confirm"),
            path("<str:object_id>/delete/", wrap(self.delete_view), name="accounts_membership_delete"),
        ]

    @admin.display(description="Person", ordering="user__username")
    def person(self, membership: Membership) -> str:
        return membership.user.get_full_name() or membership.user.get_username()

    email = column("user__email", "E-mail", empty="none")
    last_login = column("user__last_login", "Last signed in", ordering="user__last_login", empty="never")

    @admin.display(description="Can approve")
    def reviews(self, membership: Membership) -> str:
        if not membership.may_review:
            return "no"
        if membership.review_channels is None:
            return "all channels"
        channels = membership.organization.channels.filter(public_id__in=membership.review_channels)
        return ", ".join(channels.order_by("name").values_list("name", flat=True)) or "none"

    @admin.display(description="Two-factor")
    def mfa(self, membership: Membership) -> str:
        device = getattr(membership.user, "totp_device", None)
        return "on" if device is not None and device.confirmed_at is not None else "off"

    @admin.display(description="Identity")
    def identity(self, membership: Membership) -> str:
        inviter = vars(membership)["unconfirmed_inviter"]
        if inviter is None:
            return "confirmed"
        url = reverse("admin:accounts_membership_confirm", args=[membership.pk])
        return format_html('counts as {} · <a href="{}">Confirm…</a>', inviter, url)

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        membership = self.get_object_or_404(request, str(pk), change=True)
        name = self.person(membership)
        if request.method != "POST":
            return self._page(request, "confirm", f"Confirm {name}", form=forms.Form(), membership=membership)
        message = f"{name} is confirmed as a person of their own."
        return self._run(request, lambda: identities.confirm(reauthenticated_actor(request), membership), message)

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Superusers may change every membership, organization admins those of the others."""
        if is_superuser(request):
            return True
        administered = organizations_with_role(request, Role.ADMIN)
        if obj is None:
            return bool(administered)
        return obj.organization_id in administered and obj.user_id != request.user.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def may_open(self, request: HttpRequest, row: Any) -> bool:
        return self.has_change_permission(request, row)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        mine = self._administered(request)
        pending = Invitation.objects.filter(organization__in=mine, accepted_at=None, revoked_at=None)
        pending = pending.filter(expires_at__gt=clock.now()).select_related("organization", "invited_by")
        context = {"may_invite": mine.exists(), "invitations": pending.order_by("created_at")}
        return super().changelist_view(request, context | (extra_context or {}))

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """Show the invitation form; on POST create the invitation, mail the link and show it once."""
        mine = list(self._administered(request).order_by("name"))
        if not mine:
            raise PermissionDenied
        given = request.GET.get("organization")
        chosen = [organization for organization in mine if str(organization.pk) == given]
        if len(mine) > 1 and not chosen:
            return self._page(request, "organization", "Invite someone", organizations=mine)
        organization = (chosen or mine)[0]
        form = InviteForm(request.POST or None, organization=organization)
        if request.method == "POST" and form.is_valid():
            fields = {"email": form.cleaned_data["email"], **form.cleaned_membership_fields()}
            with domain_errors_in(form):
                invitation, token = invitations.invite(
                    reauthenticated_actor(request), organization=organization, **fields
                )
                sent = invitations.send(invitation, _invitation_link(invitations.mailed_token(invitation)))
                # Only where no mail goes out is the link shown: it does not prove the mailbox.
                context = {"invitation": invitation, "sent": sent, "link": "" if sent else _invitation_link(token)}
                return self._page(request, "invited", f"{invitation.email} is invited", **context)
        return self._page(request, "invite", f"Invite someone to {organization}", form=form)

    def revoke_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        invitation = get_object_or_404(Invitation, organization__in=self._administered(request), pk=pk)
        if request.method != "POST":
            return self._page(request, "revoke", f"Revoke the invitation of {invitation.email}", form=forms.Form())
        message = "The invitation is revoked."
        return self._run(request, lambda: invitations.revoke(reauthenticated_actor(request), invitation), message)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        membership = self.get_object_or_404(request, object_id, change=True)
        organization, channels = membership.organization, membership.review_channels
        initial: dict[str, Any] = {"role": membership.role, "may_review": membership.may_review}
        initial |= {"reach": "all" if channels is None else "some", "channels": channels or []}
        if not membership.may_review and channels is None:
            initial["reach"] = ""  # an admin who makes this member a reviewer must choose
        form = MemberForm(request.POST or None, organization=organization, initial=initial)
        title = f"{self.person(membership)} in {organization}"
        if request.method == "POST" and form.is_valid():
            for name, value in form.cleaned_membership_fields().items():
                setattr(membership, name, value)
            with domain_errors_in(form):
                memberships.save(reauthenticated_actor(request), membership)
                messages.success(request, f"{title}: changed.")
                return HttpResponseRedirect(reverse(LIST))
        may_recover = self._may_recover(request, membership)
        return self._page(request, "member", title, form=form, membership=membership, may_recover=may_recover)

    def recovery_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On POST reset a colleague's password, second factor or sessions. Raises ReauthenticationRequired."""
        membership = self.get_object_or_404(request, object_id, change=True)
        if not self._may_recover(request, membership):
            raise PermissionDenied
        form = RecoveryForm(request.POST if request.method == "POST" else None)
        name = self.person(membership)
        if request.method == "POST" and form.is_valid():
            user = current_user(request)
            verified = sessions.require_recent_authentication(request, user)
            with domain_errors_in(form):
                sent = account_recovery.reset_account(
                    user_actor(user), membership, verified=verified, **form.cleaned_data
                )
                if sent:
                    messages.success(request, f"Done for {name}, who has been sent an e-mail about it.")
                else:
                    messages.warning(request, f"Done for {name}, but no e-mail could be sent: tell them yourself.")
                return HttpResponseRedirect(reverse("admin:accounts_membership_change", args=[membership.pk]))
        return self._page(request, "recovery", f"{name} cannot sign in", form=form, membership=membership)

    def _may_recover(self, request: HttpRequest, membership: Membership) -> bool:
        user = current_user(request)
        return user.pk != membership.user_id and memberships.may_recover(user_actor(user), membership.user)

    def delete_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        membership = self.get_object_or_404(request, object_id, change=True)
        name = self.person(membership)
        if request.method != "POST":
            title = f"Remove {name} from {membership.organization}"
            return self._page(request, "remove", title, form=forms.Form())
        message = f"{name} is no longer a member of {membership.organization}."
        return self._run(request, lambda: memberships.remove(reauthenticated_actor(request), membership), message)

    def _administered(self, request: HttpRequest) -> QuerySet[Organization]:
        return administered_organizations(request).filter(active=True)

    def _run(self, request: HttpRequest, action: Callable[[], None], message: str) -> HttpResponse:
        try:
            action()
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, message)
        return HttpResponseRedirect(reverse(LIST))

    def _page(self, request: HttpRequest, page: str, title: str, **extra: Any) -> HttpResponse:
        context = {"opts": self.opts, "list_url": reverse(LIST), **extra}
        return render_page(request, f"admin/accounts/membership/{page}.html", title, **context)
