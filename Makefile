# Everything one does with this tree. `make` alone lists it.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory

SETUP    := ./internal/tools/setup.sh
CODE     := cmd internal profiles templates
DEMO     := $(or $(DEMO),.demo/$(shell date +%Y%m%d-%H%M%S))
FUZZTIME ?= 10s
SCRIPTS  := $(SETUP) ./internal/tools/test.sh ./internal/bench/bench.sh ./internal/bench/by-hand.sh .ci/run $(wildcard ./internal/script/testdata/*.sh)

.DEFAULT_GOAL := help
.PHONY: build demo test test-race fuzz golden lint clean help bench tools engines test-engines test-gpu

build: ## the program: .bin/topobench
	@go build -trimpath -o .bin/topobench ./cmd/topobench

demo: build ## two simulated topologies, measured and compared; DEMO=DIRECTORY says where
	@$(SETUP) demo
	@./.bin/topobench run demo-disagg demo-agg --artifacts-root-dir $(DEMO)
	@echo "the chart is $(DEMO)/pareto_plot.png"

test: ## every test, under the race detector, against the real programs
	@$(SETUP) test
	@./internal/tools/test.sh .bin/test.log

engines: ## real vLLM, Dynamo and NIXL for the CPU, into the cache (5 GB), for the profiles cpu-*
	@$(SETUP) engines

test-engines: engines ## the profiles cpu-* on real vLLM and real prefill/decode, without a GPU; 15 minutes on two cores
	@./internal/tools/test.sh .bin/test-engines.log -tags engines -run Engines -timeout 40m ./internal/e2e/

test-gpu: ## on a GPU node: real nvidia-smi text, whose memory is whose, how fast it is given back; prints figures
	@./internal/tools/test.sh .bin/test-gpu.log -tags gpu -run Real ./internal/host/gpu/
	@grep -o 'figure: .*' .bin/test-gpu.log || echo "no figures: nothing was measured"

test-race: test ## the same as test

fuzz: ## every fuzz target for FUZZTIME=10s
	@grep -rHoE '^func Fuzz\w+' --include='*_test.go' $(CODE) | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "./$${file%/*}"; \
	done

golden: ## write the golden files anew; look at the difference before committing it
	@go test $$(grep -rlF 'Bool("update"' --include='*_test.go' $(CODE) | sed 's|^|./|; s|/[^/]*$$||' | sort -u) -update

lint: ## format, vet, staticcheck, a build for macOS, the import rules, the scripts
	@unformatted=$$(gofmt -l $(CODE)); [[ -z $$unformatted ]] || { echo "gofmt -w: $$unformatted"; exit 1; }
	@go vet -tags engines,gpu ./...
	@go tool staticcheck -tags engines,gpu ./...
	@GOOS=darwin go build ./...
	@go test -run TestImportArrows ./internal/cli/
	@for script in $(SCRIPTS); do bash -n $$script; done
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); fi

bench: build ## what topobench itself costs, beside the work by hand; nothing else should run meanwhile
	@$(SETUP) bench
	@./internal/bench/bench.sh

tools: ## the real programs, into the cache (TOPOBENCH_CACHE, else ~/.cache/topobench)
	@$(SETUP) all

clean: ## remove .bin and .demo; the cache stays
	@rm -rf .bin .demo

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
