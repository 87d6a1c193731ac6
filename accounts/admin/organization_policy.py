from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.admin.base import current_user, domain_errors_in, render_page, roles_by_organization
from accounts.admin.users import administered_organizations, time_zone_field
from accounts.domain import memberships, organization_policy, publishing_pause, sessions
from accounts.domain.actors import user_actor
from accounts.domain.organization_policy import RULES
from accounts.exceptions import DomainError
from accounts.models import Organization


class PolicyForm(forms.Form):
    """One checkbox for each rule. `known` holds the displayed values as 0s and 1s, to detect an edit conflict."""

    known = forms.CharField(widget=forms.HiddenInput, max_length=20)
    second_approver = forms.BooleanField(
        required=False, label="Two approvers", help_text="Two different reviewers have to approve the same content."
    )
    require_mfa = forms.BooleanField(
        required=False,
        label="Two-factor authentication",
        help_text="Reviewers need an authenticator app to decide on a post, and administrators to change these "
        "settings.",
    )
    allow_self_approval = forms.BooleanField(
        required=False,
        label="Allow self-approval",
        help_text="Reviewers can approve what they wrote themselves: for organizations of one person.",
    )
    require_full_signature = forms.BooleanField(
        required=False,
        label="Require full request signatures",
        help_text="API requests must carry the signature that covers method, path and body, not the date alone.",
    )
    reviewers_may_correct = forms.BooleanField(
        required=False,
        label="Reviewers may correct",
        help_text="Reviewers can correct the captions of a waiting post together with their approval. The authors are "
        "notified, and the reviewer does not become an author.",
    )
    require_if_match = forms.BooleanField(
        required=False,
        label="Protect edits by people from agents",
        help_text="API requests must name the version of a post that a person edited last, so that no agent overwrites "
        "an edit that it has not read.",
    )

    def __init__(self, data: Any, *, organization: Organization) -> None:
        policy = organization_policy.get_policy(organization)
        super().__init__(data, initial={**policy, "known": "".join("1" if on else "0" for on in policy.values())})


def select_organization(request: HttpRequest) -> HttpResponse:
    """Redirect to the settings of the organization that the user administers; with several, let them choose."""
    organizations = list(administered_organizations(request).order_by("name"))
    if not organizations:
        raise PermissionDenied
    if len(organizations) == 1:
        return HttpResponseRedirect(reverse("admin_policy", args=[organizations[0].pk]))
    return _page(request, "choose", "Organization settings", organizations=organizations)


def edit_policy(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Show the settings; on POST change them. Raises ReauthenticationRequired: they decide who may approve."""
    organization = _administered_or_404(request, organization_id)
    form = PolicyForm(request.POST if request.method == "POST" else None, organization=organization)
    problem = ""
    if request.method == "POST" and form.is_valid():
        user = current_user(request)
        verified = sessions.require_recent_authentication(request, user)
        try:
            wanted = {name: form.cleaned_data[name] for name in RULES}
            known = dict(zip(RULES, (digit == "1" for digit in form.cleaned_data["known"]), strict=False))
            changed = organization_policy.update_policy(
                user_actor(user), organization, wanted=wanted, known=known, verified=verified
            )
        except DomainError as error:
            form = PolicyForm(None, organization=Organization.objects.get(pk=organization.pk))
            problem = error.message
        else:
            if changed:
                messages.success(request, f"Saved: {' '.join(organization_policy.describe(changed))}")
            else:
                messages.info(request, "Nothing was changed.")
            return HttpResponseRedirect(request.path)
    title = f"Settings of {organization}"
    return _page(request, "settings", title, form=form, problem=problem, organization=organization)


class DefaultTimeZoneForm(forms.Form):
    time_zone = time_zone_field(
        label="Default time zone", help_text="Of people who join and whose browser does not name one."
    )


def edit_time_zone(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Show the organization's default time zone; on POST change it."""
    organization = _administered_or_404(request, organization_id)
    initial = {"time_zone": organization.time_zone}
    form = DefaultTimeZoneForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["time_zone"]
        with domain_errors_in(form, "time_zone"):
            memberships.set_time_zone(user_actor(current_user(request)), organization, name)
            messages.success(request, f"The default time zone of {organization} is {name}.")
            return HttpResponseRedirect(reverse("admin_policy", args=[organization.pk]))
    return _page(request, "time_zone", f"Default time zone of {organization}", form=form, organization=organization)


class PauseForm(forms.Form):
    """`action` is what the page offered: a page that is out of date must not do the opposite."""

    action = forms.ChoiceField(choices=[("pause", "Pause"), ("resume", "Resume")], widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason",
        max_length=publishing_pause.MAX_REASON,
        required=False,
        help_text="The other administrators are notified of it, and members see it on the dashboard.",
    )


def pause_publishing(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Show whether publishing is paused; on POST pause or resume it."""
    organization = _administered_or_404(request, organization_id)
    paused = organization.publishing_paused_at is not None
    initial = {"action": "resume" if paused else "pause"}
    form = PauseForm(request.POST if request.method == "POST" else None, initial=initial)
    if paused:
        form.fields["reason"].widget = forms.HiddenInput()
    if request.method == "POST" and form.is_valid():
        pause = form.cleaned_data["action"] == "pause"
        with domain_errors_in(form, "reason"):
            reason = form.cleaned_data["reason"] if pause else None
            publishing_pause.set_pause(user_actor(current_user(request)), organization, reason)
            messages.success(request, f"Publishing of {organization} is {'paused' if pause else 'resumed'}.")
            return HttpResponseRedirect(reverse("admin_policy", args=[organization.pk]))
    title = f"{'Resume' if paused else 'Pause'} publishing of {organization}"
    late = round(settings.MAX_LATENESS_SECONDS / 60)
    return _page(request, "publishing", title, form=form, organization=organization, paused=paused, late=late)


def _administered_or_404(request: HttpRequest, organization_id: UUID) -> Organization:
    """Raises PermissionDenied for other members of the organization, Http404 for everybody else."""
    organization = administered_organizations(request).filter(pk=organization_id).first()
    if organization is None and organization_id in roles_by_organization(request):
        raise PermissionDenied
    if organization is None:
        raise Http404
    return organization


def _page(request: HttpRequest, page: str, title: str, **extra: Any) -> HttpResponse:
    extra["list_url"] = reverse("admin:accounts_membership_changelist")
    return render_page(request, f"admin/accounts/organization/{page}.html", title, **extra)
