"""`make bench`: the figures whose limits plain code may cost, measured in one run on one machine."""
