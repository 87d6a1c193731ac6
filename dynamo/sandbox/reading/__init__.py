"""Reading back: nodes with the fields that were asked for, and listings page by page."""
