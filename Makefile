# Everything a person types. The work is done by demo/bootstrap.py (standard library only) and by `python -m demo`.
PYTHON ?= python3
VENV := .venv/bin

.PHONY: demo demo-password demo-clean backup restore test test-unit test-gpu check format setup soak lock gallery

demo: ## start the whole product
	@$(PYTHON) demo/bootstrap.py run -- -m demo run

demo-password: ## set a new administrator password
	@$(PYTHON) demo/bootstrap.py run -- -m demo password

demo-clean: ## remove the demo's data (./var)
	@$(PYTHON) demo/bootstrap.py run -- -m demo clean

backup: ## the demo's whole data into one file: make backup FILE=/backups/fleet.backup
	@$(PYTHON) demo/bootstrap.py run -- -m demo backup $(abspath $(FILE))

restore: ## the way back, while the demo is stopped; ARGS=--replace replaces what is there
	@$(PYTHON) demo/bootstrap.py run -- -m demo restore $(abspath $(FILE)) $(ARGS)

setup: ## environment with everything that working on the code needs
	@$(PYTHON) demo/bootstrap.py dev

test: ## every test that needs no GPU
	@$(PYTHON) demo/bootstrap.py dev -- -m demo test $(ARGS)

test-unit: ## the fast tests: no database, no sockets
	@$(PYTHON) demo/bootstrap.py dev -- -m pytest tests/unit -q $(ARGS)

test-gpu: setup ## what only an NVIDIA GPU shows
	@$(VENV)/python -m pytest tests/gpu -q $(ARGS)

check: ## what CI runs before the tests
	@$(PYTHON) demo/bootstrap.py dev -- -m demo.checks

format: setup
	@$(VENV)/ruff format . && $(VENV)/ruff check --fix .

bench-%: setup ## one benchmark, e.g. make bench-merging
	@OMP_WAIT_POLICY=passive $(VENV)/python -m benchmarks.$(subst -,_,$*) $(ARGS)

soak: setup ## a whole box for an hour while cameras come and go, e.g. ARGS="--minutes 20"
	@OMP_WAIT_POLICY=passive $(VENV)/python -m benchmarks.soak $(ARGS)

faults: setup ## break everything once and count what is lost, e.g. ARGS="--only web-killed"
	@OMP_WAIT_POLICY=passive $(VENV)/python -m benchmarks.faults $(ARGS)

scenario-%: setup ## one story on the whole product, e.g. make scenario-drift
	@OMP_WAIT_POLICY=passive $(VENV)/python -m benchmarks.scenario_$(subst -,_,$*) $(ARGS)

gallery: setup ## pictures of every page, and what is wrong with each, e.g. ARGS="--only box"; --readme: the documentation's
	@$(VENV)/python -m demo.gallery $(ARGS)

messages: setup ## collect the texts of pages for a translator, e.g. make messages LANGUAGE=de (docs/translating.md)
	@mkdir -p webapp/locale && for domain in django djangojs; do $(VENV)/python manage.py makemessages --locale $(LANGUAGE) \
		--domain $$domain --add-location file --no-wrap $(foreach room,node_modules var demo deploy tests benchmarks workers edge_runtime,--ignore $(room)); done

lock: setup ## write requirements/*.txt and package-lock.json anew
	@requirements/lock.sh --upgrade && npm install --package-lock-only
