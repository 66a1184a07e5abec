"""Whether anybody may be called now, and whose turn it is: breaker, teams, the way back after an outage."""
