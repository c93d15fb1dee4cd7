# make setup    everything the project needs, in .venv (done again in a second)
# make demo     the main job on one real and three invented stars, up to a report
# make example-report  the report of 20 invented stars, in demo/example: some ten minutes
# make test     all tests: without MPI, and with 2, 3 and 5 ranks
# make test-archive  a campaign's listings and many files from a stand-in archive: two minutes
# make test-packaging  the wheel, in fresh virtual environments without compiler or MPI: five minutes
# make test-slurm  the jobs on a real Slurm, brought up for it (root; six to twelve minutes)
# make test-ledger-jobs  jobs and their database killed at random: does the history hold? 15 minutes
# make docs     the documentation site, its tutorials executed: three minutes
# make screenshots  pictures of the pages for docs/images, by the tests of the pages: three minutes
# make lint     ruff and mypy
# make bench    how fast it is, beside stella: 25 minutes; BENCH=--quick: two
# make bench-index  how fast `cvzmpi index` is, with 20,000 sector files made for it: two minutes
# make bench-report  how fast the report of 293,908 light curves is made, and how fast it opens: 20 minutes
# make bench-ledger  how fast the ledger answers at the size of a whole campaign: ten minutes
# make bench-costs  what limits a campaign with 40, 400 and 4,000 cores: start of ranks, files, ledger: five minutes; COSTS="--python PYTHON"
# make bench-detection  what the searches find and miss, in real and simulated light curves: 15 minutes
# make bench-inversion  how right and how fast the Milne-Eddington inversion is, on simulated and, with INVERSION="--hinode FILE", real pixels
# make bench-service  how long Level 2's pages take while 500 clients are slow: a minute
# make torture-inversion  the inversion killed 20 times at random instants, in each of its modes: half an hour; TORTURE="--mode NAME": one
# make torture-level2  publications of Level 2 killed 200 times, by each driver: ten minutes
# make calibration  does the completeness hold? simulated flares against it: 15 minutes
# make torture  the main job killed and interrupted at random instants, and other faults; half an hour
# make flipped-bits  a thousand flipped bits in sector files, new and old: a few minutes
# make format   let ruff put the code into its form
# make clean    remove what the demo and the tests left; .venv stays
# make help     this list

.PHONY: help setup demo example-report test docs screenshots test-ledger-jobs bench-ledger test-archive test-packaging test-slurm calibration torture bench bench-index bench-report bench-costs bench-detection bench-inversion bench-service torture-inversion torture-level2 flipped-bits lint format clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@tools/setup.sh

demo: setup
	@tools/demo.sh

example-report: setup
	@tools/example_report.sh

test: setup
	@tools/test.sh

docs: setup
	@tools/docs.sh

screenshots: setup
	CVZMPI_SCREENSHOTS=docs/images .venv/bin/python -m pytest \
	    tests/cvz/results/report/test_all_pages.py::test_the_pictures_of_the_documentation \
	    tests/dashboard/test_live_job.py::test_beside_a_job_that_runs_the_figures_are_those_of_status_and_a_killed_job_is_dead \
	    tests/level2/service/test_map_pages.py::test_a_map_says_its_scale_its_units_and_how_far_it_is

test-archive: setup
	.venv/bin/python -m pytest -m archive --durations=0 tests/cvz/archive

test-packaging: setup
	.venv/bin/python -m pytest -m packaging tests/packaging

test-slurm: setup
	@tools/test_slurm.sh

test-ledger-jobs: setup
	.venv/bin/python -m tools.torture.ledger_jobs $(JOBS)

bench: setup
	@tools/bench.sh $(BENCH)

bench-index: setup
	.venv/bin/python -m tools.bench.index

bench-report: setup
	.venv/bin/python -m tools.bench.campaign_report $(REPORT)

bench-ledger: setup
	.venv/bin/python -m tools.bench.ledger --report docs/benchmark_ledger.md

bench-costs: setup
	.venv/bin/python -m tools.bench.campaign_costs $(COSTS)

bench-detection: setup
	.venv/bin/python -m tools.bench.detection $(DETECTION)

bench-inversion: setup
	.venv/bin/python -m tools.bench.inversion $(INVERSION)

bench-service: setup
	.venv/bin/python -m tests.level2.service.slow_clients_measured

torture-inversion: setup
	.venv/bin/python -m tools.torture.inversion $(TORTURE)

torture-level2: setup
	.venv/bin/python -m tests.level2.publication.killed_publications $(TORTURE)

calibration: setup
	.venv/bin/python -m tools.calibration $(CALIBRATION)

torture: setup
	.venv/bin/python -m tools.torture $(TORTURE)

flipped-bits: setup
	.venv/bin/python -m tools.torture --kills 0 --fault flipped_bits

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:
	rm -rf demo build docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache
	find cvzmpi tests tools -name __pycache__ -prune -exec rm -rf {} +
