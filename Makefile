# demo needs only Go. The tests also need Node.js, npm, Redis, curl, Glewlwyd, nginx
# and HAProxy; without them, they report what they skip.

FRAMEWORK ?= nethttp
DPOP ?= allowed
MTLS ?= allowed
# The modules with the longest tests come first.
MODULES = . adapters/bearerredis examples interop cmd/bearer adapters/bearermcp bench adapters/bearerecho5 tools
TESTS = $(addprefix test/,$(MODULES))

.PHONY: demo test bench compare $(TESTS)

# Starts the reference program with a development authorization server and
# prints requests to paste. FRAMEWORK is nethttp, echo, echo5 or gin. DPOP and
# MTLS are off, allowed or required; MTLS=off serves plain HTTP. This does not use
# go run, which reports an error when the program is stopped with Ctrl-C.
demo:
	@go build -o bin/protectedapi ./examples/protectedapi
	@exec bin/protectedapi -dev -framework $(FRAMEWORK) -dpop $(DPOP) -mtls $(MTLS)

# Runs the tests of every module, two modules at a time, since many tests wait for
# other programs. As root, it first installs missing programs from Debian
# packages.
test:
	@.ci/needs curl node npm redis-server glewlwyd nginx haproxy
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(TESTS)

$(TESTS): test/%:
	@echo "$*"
	@cd $* && GOWORK=off go test ./...

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
