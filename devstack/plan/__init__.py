"""(Stack + Observed) -> Plan: what to do and why, decided without touching anything."""
