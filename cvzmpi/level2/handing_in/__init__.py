"""Results of the science team: ready events, their check, and the inbox."""
