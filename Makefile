# The tasks of this tree. `make` alone lists them.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory

BIN      ?= .bin
SYSTEMS  := linux/amd64 linux/arm64 darwin/arm64
# Without cgo the program is static and runs in any container. With -trimpath a commit builds to the same bytes on
# every machine.
BUILD    := CGO_ENABLED=0 go build -trimpath
SETUP    := ./internal/scripts/setup.sh
CODE     := cmd internal profiles templates
DEMO     := $(or $(DEMO),.demo/$(shell date +%Y%m%d-%H%M%S))
FUZZTIME ?= 10s
SCRIPTS  := $(SETUP) ./internal/scripts/test.sh ./internal/scripts/hosts.sh $(wildcard ./internal/scripts/kube/*.sh) \
	./internal/bench/bench.sh ./internal/bench/by-hand.sh .ci/run $(wildcard ./internal/script/testdata/*.sh)

.DEFAULT_GOAL := help
.PHONY: build dist demo test test-race fuzz golden lint clean help bench tools engines test-engines test-gpu test-real \
	test-hosts test-kube test-report soak

build: ## build the static program, .bin/topobench
	@$(BUILD) -o $(BIN)/topobench ./cmd/topobench

dist: build ## build the program for each system into .bin/dist, with the version in its name
	@version=$$($(BIN)/topobench --version | cut -d' ' -f2); for system in $(SYSTEMS); do \
		file=$(BIN)/dist/topobench-$$version-$${system/\//-}; \
		GOOS=$${system%/*} GOARCH=$${system#*/} $(BUILD) -o "$$file" ./cmd/topobench; \
		echo "$$file"; \
	done

demo: build ## measure and compare two simulated topologies, in DEMO=DIRECTORY
	@$(SETUP) demo
	@$(BIN)/topobench run demo-disagg demo-agg --artifacts-root-dir $(DEMO)

test: ## run the tests under the race detector (scripts without), with one run on real programs for each kind of topology
	@$(SETUP) test
	@./internal/scripts/test.sh .bin/test.log

test-real: ## run the longer tests on real programs: deaths, older versions, discovery; 6 minutes on two cores
	@$(SETUP) real
	@./internal/scripts/test.sh .bin/test-real.log -tags real -run Long ./internal/e2e/ ./internal/script/
	@./internal/scripts/test.sh .bin/test-crash.log ./internal/cli/ -run F5AACampaignGoesOn -crash.all
	@go test -count 1 -run Campaign ./internal/run/ ./internal/report/

test-hosts: ## run topologies over several hosts, by ssh and under Slurm; as root; 8 minutes on two cores
	@$(SETUP) hosts
	@./internal/scripts/test.sh .bin/test-hosts.log -tags hosts -run Hosts ./internal/e2e/

test-report: ## open report.html in headless Chromium, click, and leave pictures to look at in .bin/report
	@$(SETUP) report
	@rm -rf .bin/report
	@./internal/scripts/test.sh .bin/test-report.log -tags browser -run Browser ./internal/report/ \
		-screenshots "$(CURDIR)/.bin/report"
	@ls .bin/report/*.png 2>/dev/null || echo "no pictures: no test opened a browser"

soak: ## run 300 random kills and signals, and 50 topologies in one run
	@./internal/scripts/test.sh .bin/soak.log ./internal/cli/ -timeout 90m -run 'F57F59|F5ISoak' -nemesis.runs 300 -soak.runs 50

engines: ## install real vLLM, Dynamo and NIXL for the CPU into the cache (5 GB), for the profiles cpu-*
	@$(SETUP) engines

test-engines: engines ## run the profiles cpu-* on real vLLM and prefill/decode, without a GPU; 15 minutes on two cores
	@./internal/scripts/test.sh .bin/test-engines.log -tags engines -run Engines -timeout 40m ./internal/e2e/

test-kube: ## as root: run topologies on a real Kubernetes of one node, built from source (15 minutes, once)
	@$(SETUP) kube
	@./internal/scripts/test.sh .bin/test-kube.log -tags kube -run TestKube -timeout 30m ./internal/e2e/
	@grep -o 'figure: .*' .bin/test-kube.log || echo "no figures: no test measured any"

test-gpu: ## on a GPU node: test the real nvidia-smi, settings, allocation, owners and the release of GPU memory
	@./internal/scripts/test.sh .bin/test-gpu.log -tags gpu -run Real ./internal/host/gpu/
	@grep -o 'figure: .*' .bin/test-gpu.log || echo "no figures: no test measured any"

test-race: ## run the tests of the command line with topobench itself under the race detector, in the scripts too
	@./internal/scripts/test.sh .bin/test-race.log ./internal/cli/

fuzz: ## run every fuzz target for FUZZTIME=10s
	@grep -rHoE '^func Fuzz\w+' --include='*_test.go' $(CODE) | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "./$${file%/*}"; \
	done

golden: ## rewrite the golden files; review the difference before committing it
	@go test $$(grep -rlF 'Bool("update"' --include='*_test.go' $(CODE) | sed 's|^|./|; s|/[^/]*$$||' | sort -u) -update

lint: ## check format, vet, staticcheck, a build for macOS, the import rules and the scripts
	@unformatted=$$(gofmt -l $(CODE)); [[ -z $$unformatted ]] || { echo "gofmt -w: $$unformatted"; exit 1; }
	@go vet -tags browser,engines,gpu,hosts,kube,real ./...
	@go tool staticcheck -tags browser,engines,gpu,hosts,kube,real ./...
	@GOOS=darwin go build ./...
	@go test -run TestImportArrows ./internal/cli/
	@for script in $(SCRIPTS); do bash -n $$script; done
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); fi

bench: build ## measure the cost of topobench itself against the work by hand, on an idle machine
	@$(SETUP) bench
	@./internal/bench/bench.sh

tools: ## install the real programs into the cache (TOPOBENCH_CACHE, else ~/.cache/topobench)
	@$(SETUP) all

clean: ## remove .bin and .demo, not the cache
	@rm -rf .bin .demo

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
