"""Below /v1."""

from django.urls import URLPattern, path

from scheduling.api import views

ONE = "scheduled-posts/<str:post_id>"

urlpatterns: list[URLPattern] = [
    path("scheduled-posts", views.ScheduledPosts.as_view(), name="scheduled-posts"),
    path(ONE, views.ScheduledPostDetail.as_view(), name="scheduled-post"),
    path(f"{ONE}/submit-for-approval", views.SubmitForApproval.as_view(), name="submit-for-approval"),
    path(f"{ONE}/reject", views.Reject.as_view(), name="reject"),
    path(f"{ONE}/revert", views.Revert.as_view(), name="revert"),
    path(f"{ONE}/approve", views.HumanOnlyAction.as_view(), name="approve"),
    path(f"{ONE}/publish", views.HumanOnlyAction.as_view(), name="publish"),
]
