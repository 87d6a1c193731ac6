"""`make faults`: the whole system as real processes, broken on purpose, judged by what became visible."""
