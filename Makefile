# demo and demo-all need only Go. The tests also need Node.js, npm, Redis, curl,
# Glewlwyd, nginx, HAProxy, Chromium and Prometheus; without them, they report what
# they skip.

FRAMEWORK ?= nethttp
DPOP ?= allowed
PORT ?= 8080
# The modules with the longest tests come first.
MODULES = . adapters/bearerredis examples interop cmd/bearer bench adapters/bearermcp adapters/bearergrpc adapters/bearerconnect adapters/bearerotel soak fuzz models adapters/bearerecho5 conformance tools
GOTEST = go test
TESTS = $(addprefix test/,$(MODULES))

.PHONY: demo demo-all test bench compare fuzz soak mutants conform vulnerabilities licences models $(TESTS)

# Starts the reference program with a development authorization server: demo prints
# the address of a console page, and six requests to paste; demo-all prints a
# request for each kind of answer. FRAMEWORK is nethttp, echo, echo5 or gin. DPOP
# and MTLS are off, allowed or required; MTLS=off, which is the default of demo,
# serves plain HTTP. PORT is the port. This does not use go run, which reports an
# error when the program is stopped with Ctrl-C.
demo: MTLS ?= off
demo: BRIEF = -brief
demo-all: MTLS ?= allowed
demo demo-all:
	@test -e bin/protectedapi || echo 'Building the program, which takes a minute or two the first time.' >&2
	@go build -o bin/protectedapi ./examples/protectedapi
	@exec bin/protectedapi -dev $(BRIEF) -listen 127.0.0.1:$(PORT) -framework $(FRAMEWORK) -dpop $(DPOP) -mtls $(MTLS)

# Runs the tests of every module, two modules at a time, since many tests wait for
# other programs. As root, it first installs missing programs from Debian
# packages. GOTEST is the command of each module, such as "go test -race".
test:
	@.ci/needs curl node npm redis-server glewlwyd nginx haproxy chromium prometheus
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(TESTS)

# The go command's cache of results does not see the files outside the module that
# the tests of tools read.
test/tools: override GOTEST += -count=1

$(TESTS): test/%:
	@echo "$*"
	@cd $* && GOWORK=off $(GOTEST) ./...

# Fuzzes every target for FUZZTIME, two at a time, or all targets together for
# TOTAL, such as make fuzz TOTAL=30m. The inputs that it finds are kept for the
# next run. ONLY=REGEXP chooses targets.
FUZZTIME ?= 60s
fuzz:
	@KEEP=1 .ci/fuzz $(if $(TOTAL),total $(TOTAL),$(FUZZTIME))

# Compares the parts that keep state with their models, in RAPID_CHECKS random cases
# each. make test runs 100.
models: export RAPID_CHECKS ?= 1000
models:
	@cd models && GOWORK=off go test -count 1 -timeout 60m ./...

# Runs the benchmarks; the output is for benchstat.
bench:
	@go test -run '^$$' -bench . -count 6 ./...

# Compares bearerkit with other libraries and updates the tables and the drawing
# in docs/performance.md. This takes about six minutes; the machine must be
# idle.
compare:
	@cd bench && GOWORK=off go run . -out ../docs/performance.md -svg ../docs/comparison.svg
	@cd bench && GOWORK=off go run . -counted -out ../docs/performance.md
	@cd bench && GOWORK=off go run . -short -out ../docs/performance.md

# Runs instances of an API through faults of issuers, of Redis and of themselves,
# and checks every answer; see docs/soak.md. SOAK is how long, and SEED repeats the
# faults of an earlier run. The report is in bin/soak.json and bin/soak.svg.
soak: SOAK ?= 60s
soak: SEED ?= 0
soak:
	@GOWORK=off go -C soak build -o ../bin/soak .
	@exec bin/soak -duration $(SOAK) -seed $(SEED) -out bin

# Changes each check of PACKAGE, one at a time, and fails if no test notices a
# change that tools/mutate/known.txt does not list. docs/mutation.md says more; its
# table and list are updated.
# MUTANTS holds more flags, such as "-sample 50 -seed 7 -budget 10m".
mutants: PACKAGE ?= ./internal/jose
mutants:
	@cd tools && GOWORK=off go run ./mutate -known mutate/known.txt -out ../docs/mutation.md $(MUTANTS) $(PACKAGE)

# Runs the conformance corpus on bearerkit, on other libraries and on two programs
# in Node.js, and updates the tables in docs/conformance.md. This takes about five
# minutes, most of them waiting for outages to end.
conform:
	@cd bench && GOWORK=off go run . -field -out ../docs/conformance.md

# Runs govulncheck on every module. Without a connection to vuln.go.dev it says so,
# and fails only with REQUIRED=-required.
vulnerabilities:
	@cd tools && GOWORK=off go build -o ../bin/ ./vulnerabilities && ../bin/vulnerabilities $(REQUIRED) ..

# Prints the licence of every module that a build or a test needs.
licences:
	@cd tools && GOWORK=off go run ./licences ..
