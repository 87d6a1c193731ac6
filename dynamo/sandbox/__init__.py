"""A stand-in for the Graph API over HTTP: responses, states, errors, paging, faults, and a page of the published posts.

It follows Meta's documentation and recorded responses, and is strict where these leave a choice. It does not use
Django, and runs as a process (`manage.py sandbox`) or as a thread of a test (`sandbox.server.Sandbox`).
"""
