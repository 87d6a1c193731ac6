"""What the sandbox shows to people: the page of what went live, and media to publish."""
