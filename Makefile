# Go is all that demo needs. The tests want Node.js, npm, Redis and curl besides,
# and say what they leave out where these are missing.

FRAMEWORK ?= nethttp
DPOP ?= allowed
MTLS ?= allowed
MODULES = . adapters/bearermcp adapters/bearerredis bench examples interop tools

.PHONY: demo test bench compare

# The reference program with an authorization server of its own, and requests
# to paste. FRAMEWORK=echo and FRAMEWORK=gin route by these, DPOP and MTLS are
# off, allowed or required; MTLS=off is plain HTTP. Not go run, which calls
# Ctrl-C an error, however well the program ended.
demo:
	@go build -o bin/protectedapi ./examples/protectedapi
	@exec bin/protectedapi -dev -framework $(FRAMEWORK) -dpop $(DPOP) -mtls $(MTLS)

# Every module's tests. Debian's packages of what is missing are installed
# where that may be done.
test:
	@.ci/needs curl node npm redis-server
	@set -e; for module in $(MODULES); do \
		echo "$$module"; (cd $$module && GOWORK=off go test ./...); \
	done

# The benchmarks, for benchstat.
bench:
	@go test -run '^$$' -bench . -count 6 ./...

# bearerkit beside the other libraries: the tables and the drawing of
# docs/performance.md, in about six minutes of a quiet machine.
compare:
	@cd bench && GOWORK=off go run . -out ../docs/performance.md -svg ../docs/comparison.svg
	@cd bench && GOWORK=off go run . -counted -out ../docs/performance.md
	@cd bench && GOWORK=off go run . -short -out ../docs/performance.md
