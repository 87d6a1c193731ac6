from django.urls import URLPattern, path

from posts.api import media, meta, views

urlpatterns: list[URLPattern] = [
    path("channels", views.Channels.as_view(), name="channels"),
    path("media", media.Media.as_view(), name="media"),
    path("superpowers", views.Superpowers.as_view(), name="superpowers"),
    path("posts", views.Posts.as_view(), name="posts"),
    path("posts/<str:post_id>", views.Post.as_view(), name="post"),
    path("posts/<str:post_id>/insights", views.Insights.as_view(), name="insights"),
    path("posts/<str:post_id>/comments", views.Comments.as_view(), name="comments"),
    path("posts/<str:post_id>/comments/export", views.Export.as_view(), name="comments-export"),
]

# Below /meta/, for Meta's servers: outside the API.
meta_urlpatterns: list[URLPattern] = [
    path("deauthorize", meta.deauthorize, name="meta_deauthorize"),
    path("data-deletion", meta.data_deletion, name="meta_data_deletion"),
    path("data-deletion/<str:code>", meta.data_deletion_status, name="meta_data_deletion_status"),
    path("webhook", meta.webhook, name="meta_webhook"),
]
