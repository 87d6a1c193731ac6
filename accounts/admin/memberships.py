"""Members on the desk: all see who is in; administrators invite, change and end; nobody does so for themselves."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import clock
from accounts.admin.base import organizations_with_role
from accounts.admin.users import SuperuserManagedAdmin, is_superuser, reauthenticated_actor
from accounts.domain import invitations, memberships
from accounts.exceptions import DomainError
from accounts.models import Invitation, Membership, Organization, Role


class MemberForm(forms.Form):
    """Role and rights in one organization. Every channel is said in so many words, not by ticking none."""

    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.EDITOR,
        help_text="Viewers look, editors write, admins also manage channels, keys and people.",
    )
    may_review = forms.BooleanField(required=False, label="Reviews: may approve and schedule posts")
    reach = forms.ChoiceField(
        required=False,
        label="Reviews what goes to",
        choices=[("all", "Every channel, those that are connected later as well"), ("some", "Only these channels:")],
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, label="Channels", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  declared above
        rows = organization.channels.order_by("name", "public_id")
        field.choices = [(row.public_id, f"{row.name} ({row.get_type_display()})") for row in rows]

    def clean(self) -> dict[str, Any]:
        """Refuse a reviewer of whom nothing says what they review. What is ticked beside "every" counts for nothing."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("may_review") and "reach" in given and not given["reach"]:
            self.add_error("reach", "Say what they review: every channel, or only some.")
        if given.get("may_review") and given.get("reach") == "some" and "channels" in given and not given["channels"]:
            self.add_error("channels", "Tick at least one channel, or let them review every one.")
        return given

    def cleaned_membership_fields(self) -> dict[str, Any]:
        """Return the columns that were typed, as a membership and an invitation have them.

        Where nothing is said of what somebody reviews who does not review, that stays as it is.
        """
        given = self.cleaned_data
        typed: dict[str, Any] = {"role": given["role"], "may_review": given["may_review"]}
        if given["reach"] == "all":
            typed["review_channels"] = None
        elif given["reach"] and given["channels"]:
            typed["review_channels"] = given["channels"]
        return typed

    @staticmethod
    def initial_for(membership: Membership) -> dict[str, Any]:
        """Return what the form shows of a membership."""
        reach = "all" if membership.review_channels is None else "some"
        if not membership.may_review and reach == "all":
            reach = ""  # whoever makes them a reviewer says of what
        now = {"role": membership.role, "may_review": membership.may_review, "reach": reach}
        return {**now, "channels": membership.review_channels or []}


class InviteForm(MemberForm):
    """Whom to ask in, and as what."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role", "may_review", "reach", "channels")


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Membership]
else:
    ModelAdmin = admin.ModelAdmin

LIST = "admin:accounts_membership_changelist"


@admin.register(Membership)
class MembershipAdmin(SuperuserManagedAdmin, ModelAdmin):
    """Who works where. A membership may end: what the person did stays theirs."""

    list_display = ("person", "email", "organization", "role", "reviews", "second_factor", "last_login")
    list_select_related = ("user__totp_device", "organization")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter), "role", "may_review")
    search_fields = ("user__username", "user__first_name", "user__last_name")
    search_help_text = "Person"
    ordering = ("organization__name", "user__username")
    fields = ("organization", "user", "role", "may_review")  # of a superuser's form for a new one
    show_facets = admin.ShowFacets.NEVER
    add_title = "Add a member"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's signature
        """Return the form; it says of which channels."""
        every = "May approve and schedule posts, on every channel. To limit them to some, open their page afterwards."
        return super().get_form(request, obj, change, help_texts={"may_review": every}, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Return the list, a page for each thing that can be done, and a superuser's form for a new member."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="accounts_membership_changelist"),
            path("add/", wrap(self.add_view), name="accounts_membership_add"),
            path("invite/", wrap(self.invite_view), name="accounts_membership_invite"),
            path("invited/<uuid:pk>/revoke/", wrap(self.revoke_view), name="accounts_membership_revoke"),
            path("<str:object_id>/change/", wrap(self.member_view), name="accounts_membership_change"),
            path("<str:object_id>/delete/", wrap(self.end_view), name="accounts_membership_delete"),
        ]

    @admin.display(description="Person", ordering="user__username")
    def person(self, membership: Membership) -> str:
        """Say who it is."""
        return membership.user.get_full_name() or membership.user.get_username()

    @admin.display(description="E-mail", empty_value="none")
    def email(self, membership: Membership) -> str:
        """Say where they are reached."""
        return membership.user.email

    @admin.display(description="Reviews")
    def reviews(self, membership: Membership) -> str:
        """Say what they may approve."""
        if not membership.may_review:
            return "no"
        return "every channel" if membership.review_channels is None else ", ".join(_names(membership)) or "none"

    @admin.display(description="Second factor")
    def second_factor(self, membership: Membership) -> str:
        """Say whether signing in takes more than the password."""
        factor = getattr(membership.user, "totp_device", None)
        return "on" if factor is not None and factor.confirmed_at is not None else "off"

    @admin.display(description="Last signed in", ordering="user__last_login", empty_value="never")
    def last_login(self, membership: Membership) -> Any:
        """Say when they were last here."""
        return membership.user.last_login

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Whether the person manages, or administers the organization of somebody else's membership."""
        if obj is None or is_superuser(request):
            return is_superuser(request) or bool(organizations_with_role(request, Role.ADMIN))
        return obj.organization_id in organizations_with_role(request, Role.ADMIN) and obj.user_id != request.user.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return self.has_change_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the members, and to administrators whom they have invited."""
        mine = self._administered(request)
        waiting = Invitation.objects.filter(organization__in=mine, accepted_at=None, revoked_at=None)
        waiting = waiting.filter(expires_at__gt=clock.now()).select_related("organization", "invited_by")
        context = {"may_invite": mine.exists(), "invitations": waiting.order_by("created_at")}
        return super().changelist_view(request, context | (extra_context or {}))

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """Ask whom to invite; on POST invite them, mail the link, and show it, this once."""
        mine = self._administered(request).order_by("name")
        if not mine:
            raise PermissionDenied
        chosen = mine.filter(pk=request.GET["organization"]).first() if _is_id(request) else None
        if chosen is None and len(mine) > 1:
            return self._page(request, "organization", "Invite someone", organizations=mine)
        organization = chosen or mine[0]
        form = InviteForm(request.POST or None, organization=organization)
        if request.method == "POST" and form.is_valid():
            given = {"email": form.cleaned_data["email"], **form.cleaned_membership_fields()}
            try:
                invitation, token = invitations.invite(
                    reauthenticated_actor(request), organization=organization, **given
                )
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                link = request.build_absolute_uri(reverse("admin_invitation", args=[token]))
                sent = invitations.send(invitation, link)
                shown = {"invitation": invitation, "link": link, "sent": sent}
                return self._page(request, "invited", f"{invitation.email} is invited", **shown)
        return self._page(request, "invite", f"Invite someone to {organization}", form=form)

    def revoke_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask; on POST withdraw an invitation."""
        found = Invitation.objects.filter(organization__in=self._administered(request)).filter(pk=pk).first()
        if found is None:
            raise Http404
        if request.method != "POST":
            return self._page(request, "revoke", f"Withdraw the invitation of {found.email}", form=forms.Form())
        return self._done(
            request, lambda: invitations.revoke(reauthenticated_actor(request), found), "It is withdrawn."
        )

    def member_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a member may do; whoever administers the organization changes it."""
        membership = self._member(request, object_id)
        organization = membership.organization
        form = MemberForm(request.POST or None, organization=organization, initial=MemberForm.initial_for(membership))
        title = f"{self.person(membership)} in {organization}"
        if request.method == "POST" and form.is_valid():
            for name, value in form.cleaned_membership_fields().items():
                setattr(membership, name, value)
            try:
                memberships.save(reauthenticated_actor(request), membership)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, f"{title}: changed.")
                return HttpResponseRedirect(reverse(LIST))
        return self._page(request, "member", title, form=form, membership=membership)

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask; on POST end the membership."""
        membership = self._member(request, object_id)
        if request.method != "POST":
            title = f"End the membership of {self.person(membership)} in {membership.organization}"
            return self._page(request, "end", title, form=forms.Form())
        said = f"{self.person(membership)} belongs to {membership.organization} no longer."
        return self._done(request, lambda: memberships.remove(reauthenticated_actor(request), membership), said)

    def _member(self, request: HttpRequest, object_id: str) -> Membership:
        found: QuerySet[Membership] = self.get_queryset(request).select_related("user", "organization")
        membership = found.filter(pk=object_id).first() if object_id.isascii() and object_id.isdecimal() else None
        if membership is None:
            raise Http404
        if not self.has_change_permission(request, membership):
            raise PermissionDenied
        return membership

    def _administered(self, request: HttpRequest) -> QuerySet[Organization]:
        everywhere = Organization.objects.filter(active=True)
        return (
            everywhere
            if is_superuser(request)
            else everywhere.filter(pk__in=organizations_with_role(request, Role.ADMIN))
        )

    def _done(self, request: HttpRequest, verb: Any, said: str) -> HttpResponse:
        try:
            verb()
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, said)
        return HttpResponseRedirect(reverse(LIST))

    def _page(self, request: HttpRequest, page: str, title: str, **given: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **given}
        response = TemplateResponse(
            request, f"admin/accounts/membership/{page}.html", context | {"list_url": reverse(LIST)}
        )
        response["Cache-Control"] = "no-store"
        return response


def _names(membership: Membership) -> list[str]:
    rows = membership.organization.channels.filter(public_id__in=membership.review_channels or [])
    return list(rows.order_by("name").values_list("name", flat=True))


def _is_id(request: HttpRequest) -> bool:
    try:
        return bool(forms.UUIDField().clean(request.GET.get("organization")))
    except forms.ValidationError:
        return False
