"""From what is declared and what was found to a plan: steps Plan -> Plan, and plan files. Pure."""
