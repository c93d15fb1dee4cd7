"""Shared by tests, torture and benchmarks: processes of jobs, servers, and the content of files."""
