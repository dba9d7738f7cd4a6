# make demo     a seeded shop, a cart and why it gets what it gets; serves until Ctrl-C (ONCE=1: exits)
# make test     everything that must hold before a change lands: style, types, tests
# make explore  the tests with random cases of property tests: new ones at each run
# make format   rewrites the code in the house style

VENV := .venv
BIN := $(VENV)/bin
DEMO_FLAGS := $(if $(ONCE),--once) $(if $(PORT),--port $(PORT)) $(if $(DATA_DIR),--data-dir $(DATA_DIR))

# Tests start many processes of ours: each would compile every module again where this is set.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test explore format clean

demo: $(VENV)/.installed
	@$(BIN)/habitue demo $(DEMO_FLAGS)

test: $(VENV)/.installed-test
	@./browser.sh $(BIN)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

explore: $(VENV)/.installed-test
	@./browser.sh $(BIN)
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder --hypothesis-profile=explore $(TESTS)

format: $(VENV)/.installed-test
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: pyproject.toml setup.py bootstrap.sh
	@./bootstrap.sh $(VENV) .
	@touch $@

$(VENV)/.installed-test: pyproject.toml setup.py bootstrap.sh
	@./bootstrap.sh $(VENV) '.[test]'
	@touch $@ $(VENV)/.installed
