from django.urls import URLPattern, path

from scheduling.api import channels, events, views, webhooks

POST = "scheduled-posts/<str:post_id>"

urlpatterns: list[URLPattern] = [
    path("channels/<str:channel_id>", channels.ChannelDetail.as_view(), name="channel"),
    path("events", events.Events.as_view(), name="events"),
    path("webhooks", webhooks.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<str:webhook_id>", webhooks.WebhookDetail.as_view(), name="webhook"),
    path("webhooks/<str:webhook_id>/test", webhooks.WebhookTest.as_view(), name="test-webhook"),
    path("webhooks/<str:webhook_id>/rotate", webhooks.RotateWebhookSecret.as_view(), name="rotate-webhook"),
    path("scheduled-posts", views.ScheduledPosts.as_view(), name="scheduled-posts"),
    path("scheduled-posts/validate", views.ValidatePost.as_view(), name="validate-post"),
    path(POST, views.ScheduledPostDetail.as_view(), name="scheduled-post"),
    path(f"{POST}/submit-for-approval", views.SubmitForApproval.as_view(), name="submit-for-approval"),
    path(f"{POST}/reject", views.Reject.as_view(), name="reject"),
    path(f"{POST}/revert", views.Revert.as_view(), name="revert"),
    path(f"{POST}/approve", views.HumanOnlyAction.as_view(), name="approve"),
    path(f"{POST}/publish", views.HumanOnlyAction.as_view(), name="publish"),
]
