# The commands of a newcomer; each first installs what is missing.
test:
	.venv/bin/ruff check .
