"""The page of an organization's rules, for those who administer it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.admin.base import organizations_with_role, roles_by_organization
from accounts.admin.users import is_superuser
from accounts.domain import organization_policy, sessions
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.models import Organization, Role, User

PEOPLE = "admin:accounts_membership_changelist"
LABELS = {
    "second_approver": ("Two approvers", "Two different reviewers have to approve the same before it goes out."),
    "require_mfa": (
        "Second factor",
        "Reviewers need an authenticator app to decide on a post, and administrators to change these rules.",
    ),
    "allow_self_approval": (
        "Approving one's own",
        "Reviewers may approve what they wrote themselves: for organizations of one person.",
    ),
    "require_full_signature": (
        "Full signature",
        "API requests must carry the signature that covers method, path and body, not the date alone.",
    ),
}


class RulesForm(forms.Form):
    """A box for each rule, and the rules as they were shown: nobody takes back unseen what another has set."""

    known = forms.CharField(widget=forms.HiddenInput, max_length=20)

    def __init__(self, given: Any, *, organization: Organization) -> None:
        now = organization_policy.get_policy(organization)
        super().__init__(given, initial={**now, "known": "".join("01"[on] for on in now.values())})
        for name in organization_policy.RULES:
            label, hint = LABELS[name]
            self.fields[name] = forms.BooleanField(required=False, label=label, help_text=hint)

    def cleaned_policy(self) -> dict[str, bool]:
        """Return the rules as they were ticked."""
        return {name: self.cleaned_data[name] for name in organization_policy.RULES}

    def displayed_policy(self) -> dict[str, bool]:
        """Return the rules as the page showed them."""
        return dict(zip(organization_policy.RULES, (sign == "1" for sign in self.cleaned_data["known"]), strict=False))


def select_organization(request: HttpRequest) -> HttpResponse:
    """Lead to the rules of the organization that the person administers; ask which where there are several."""
    mine = list(_administered(request).order_by("name"))
    if not mine:
        raise PermissionDenied
    if len(mine) == 1:
        return HttpResponseRedirect(reverse("admin_policy", args=[mine[0].pk]))
    return _page(request, "choose_rules", "Rules", organizations=mine)


def edit_policy(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Show the rules; on POST change them. Raises sessions.ProofNeeded: rules decide over decisions."""
    organization = _administered(request).filter(pk=organization_id).first()
    if organization is None:
        if organization_id in roles_by_organization(request):
            raise PermissionDenied
        raise Http404
    form = RulesForm(request.POST if request.method == "POST" else None, organization=organization)
    if request.method == "POST" and form.is_valid():
        user = request.user
        if not isinstance(user, User):
            raise TypeError("The desk is for people who are signed in")
        verified = sessions.require_recent_authentication(request, user)
        try:
            changed = organization_policy.update_policy(
                user_actor(user),
                organization,
                wanted=form.cleaned_policy(),
                known=form.displayed_policy(),
                verified=verified,
            )
        except DomainError as refusal:
            form = RulesForm(None, organization=Organization.objects.get(pk=organization.pk))
            return _page(request, "rules", f"Rules of {organization}", form=form, problem=refusal.message)
        said = " ".join(organization_policy.describe(changed))
        if changed:
            messages.success(request, f"From now on: {said}")
        else:
            messages.info(request, "Nothing was changed.")
        return HttpResponseRedirect(request.path)
    return _page(request, "rules", f"Rules of {organization}", form=form)


def _administered(request: HttpRequest) -> QuerySet[Organization]:
    everywhere = Organization.objects.all()
    return (
        everywhere if is_superuser(request) else everywhere.filter(pk__in=organizations_with_role(request, Role.ADMIN))
    )


def _page(request: HttpRequest, page: str, title: str, **given: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "list_url": reverse(PEOPLE), **given}
    response = TemplateResponse(request, f"admin/accounts/organization/{page}.html", context)
    response["Cache-Control"] = "no-store"
    return response
