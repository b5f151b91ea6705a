"""How a run goes over many hosts, as values: in which waves, how many may fail, when a host may be changed, what is looked at in
between."""
