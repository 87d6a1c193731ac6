from django.urls import URLPattern, path

from posts.api import views

urlpatterns: list[URLPattern] = [
    path("channels", views.Channels.as_view(), name="channels"),
    path("superpowers", views.Superpowers.as_view(), name="superpowers"),
    path("posts", views.Posts.as_view(), name="posts"),
    path("posts/<str:post_id>", views.Post.as_view(), name="post"),
    path("posts/<str:post_id>/insights", views.Insights.as_view(), name="insights"),
    path("posts/<str:post_id>/comments", views.Comments.as_view(), name="comments"),
    path("posts/<str:post_id>/comments/export", views.Export.as_view(), name="comments-export"),
]
