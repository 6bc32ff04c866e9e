# The commands of a newcomer. Each first installs what is missing (.ci/bootstrap) and then does its one thing.
# More arguments: make sim ARGS="--plain-udp", make test PYTEST_ARGS="--flow V1".
ARGS ?=
export PYTEST_ARGS ?=

.PHONY: help sim demo test bench lock clean

help:
	@echo "make sim     a community on this desktop: prints the address of its page, runs until Ctrl-C"
	@echo "make demo    the main scenario without a person: a time line, build/demo/report.json and pictures"
	@echo "make test    ruff, mypy, import contracts and every test that needs no board"
	@echo "make bench   the figures: a table and build/bench.json"
	@echo "make lock    renew requirements.lock (needs uv)"
	@echo "make clean   remove what the others made, .venv included"

sim demo bench:
	@.ci/bootstrap $@
	@.venv/bin/intercom $@ $(ARGS)

test:
	@.ci/bootstrap test
	@.ci/checks

lock:
	@.ci/lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
