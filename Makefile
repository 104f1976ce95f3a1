# Every target is `python dev.py TARGET`, which also works without make.
PYTHON ?= python3
TARGETS := setup demo test lab soak bench check clean

help:
	@$(PYTHON) dev.py --help
$(TARGETS):
	@$(PYTHON) dev.py $@
.PHONY: help $(TARGETS)
