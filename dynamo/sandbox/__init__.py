"""A stand-in for the Graph API over real HTTP: shapes, states, errors, paging, faults, and a page of what went live.

Faithful as far as Meta's documentation and recorded answers go; where they are silent the stricter reading is taken.
It knows nothing of Django: a process of its own (`manage.py sandbox`) or a thread of a test (`sandbox.server.start`).
"""
