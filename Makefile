# riskstream: every target works on a machine with Go 1.26 alone; test-real
# also needs Java 17 and Maven, unless RISKSTREAM_TEST_KAFKA names a broker.
SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_TOOL := go tool -modfile=tools/go.mod
FUZZTIME ?= 20s
# The packages with tests on a real Kafka; those under faults have targets of their own.
REAL = $(shell grep -rl --include=*_test.go '^//go:build realkafka' . | xargs -n1 dirname | sort -u | grep -v internal/torture)

.DEFAULT_GOAL := help
.PHONY: help build demo libchdb test test-real torture-short torture race lint vuln fuzz bench bench-history microbench accuracy golden clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/riskstream
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/riskstream ./cmd/riskstream

demo: build ## a simulated company, its attackers and the live scores, with a broker in the process
	./bin/riskstream demo

libchdb: ## fetch ClickHouse's engine for the embedded history (some 180 MB, once)
	go run ./cmd/riskstream history install

test: ## all tests that need nothing but Go (and, once, ClickHouse's engine from the npm registry)
	go test ./...

test-real: ## the integration suite on a real Apache Kafka (fetched with Maven, or RISKSTREAM_TEST_KAFKA=host:port)
	go test -tags realkafka -count=1 -timeout 15m $(REAL)

SEED ?= 1
TORTURE = go test -tags realkafka -count=1 -v -run '^Test(Torture|NegativeControl)'

torture-short: ## kill, cut, fill and corrupt a running riskstream on a real Apache Kafka, once each; SEED=1 says when
	$(TORTURE) -timeout 15m ./internal/torture -args -seed $(SEED) -matrix short

torture: ## the same at three points of each run, with longer faults, and with a cluster of three brokers
	$(TORTURE) -timeout 4h ./internal/torture -args -seed $(SEED) -matrix full

race: ## all tests with the race detector
	go test -race ./...

lint: ## vet, staticcheck, gofumpt
	go vet ./...
	go vet -tags realkafka ./...
	$(GO_TOOL) staticcheck ./...
	@unformatted=$$($(GO_TOOL) gofumpt -l .); if [ -n "$$unformatted" ]; then echo "gofumpt would change:"; echo "$$unformatted"; exit 1; fi

vuln: ## govulncheck (needs the Go vulnerability database)
	$(GO_TOOL) govulncheck ./...

fuzz: ## each fuzz test for FUZZTIME (20s)
	@set -e; for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg; \
		done; \
	done

bench: build ## the engine on a real Apache Kafka: speed, latency, memory, restarts (some 10 minutes)
	./bin/riskstream bench --real

bench-history: ## the history at scale: inserts, bytes on disk, timelines, exports, backtest (HISTORY_ROWS=2000000)
	go test -timeout 3h -run '^$$' -bench 'History|Backtest' -benchtime 1x ./internal/history ./internal/backtest

microbench: ## benchmarks of every stage, and of a whole replay on one core
	go test -run '^$$' -bench . -benchmem ./...

ACCURACY_SEEDS = 101-105

accuracy: build ## the tables of docs/accuracy.md anew, on seeds that nothing is fitted on; bin/accuracy.html has plots
	./bin/riskstream evaluate --seeds $(ACCURACY_SEEDS) --into docs/accuracy.md --html bin/accuracy.html

golden: ## rewrite golden files, fixtures and what the README shows; review the diff
	go test ./internal/demo -run TestExampleLog -update
	go test $$(grep -rl --include=*_test.go 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update
	FIXTURES_UPDATE=1 go test ./fixtures -run TestFixtures

clean: ## remove what was built
	rm -rf bin
