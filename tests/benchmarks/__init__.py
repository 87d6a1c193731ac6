"""`make bench`: how fast, how late, how soon whole again; as ratios of one run on one machine, with plain numbers."""
