"""What tests, torture and benchmarks share: how jobs are run, and what they run beside."""
