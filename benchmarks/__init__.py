"""Keywright beside its peers, in one run. Machines differ and are shared: only the ratios within a run are claims."""
