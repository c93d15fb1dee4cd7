"""The service: all steps on a schedule, and pages and JSON about the programs."""
