# Each target does its own set-up: go fetches what is missing.
GO ?= go
export CGO_ENABLED = 0

# The race detector needs a C compiler; without one the tests run without it.
CC_FOUND := $(shell command -v $(or $(CC),cc) 2>/dev/null || command -v gcc 2>/dev/null)
RACE := $(if $(CC_FOUND),-race,)
TEST := CGO_ENABLED=$(if $(CC_FOUND),1,0) $(GO) test $(RACE)
FUZZTIME ?= 10s
DURATION ?= 10m

.PHONY: start build tools test race e2e fuzz bench soak microbench golden lint cover clean

start: build
	./bin/wm start

build:
	$(GO) build -buildvcs=false -o bin/wm .

tools:
	@.ci/tools

test: lint
	$(TEST) -timeout 10m ./...

race:
	CGO_ENABLED=1 $(GO) test -race -short ./...

e2e:
	$(TEST) -count=1 ./e2e

fuzz:
	@grep -rho --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' . | sed 's/func //' | sort -u | while read f; do \
		for d in $$(grep -rl --include='*_test.go' "^func $$f(" . | xargs -n1 dirname | sort -u); do \
			echo "$$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$d" || exit 1; \
		done; done

bench:
	$(GO) run ./bench $(BENCH)

soak:
	$(GO) run ./bench/soak -duration $(DURATION) $(SOAK)

microbench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

golden:
	@for d in $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u); do \
		$(GO) test "$$d" -update || exit 1; done

lint:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt needed:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...

cover:
	$(GO) test -short -coverprofile=cover.prof ./... && $(GO) tool cover -func=cover.prof | tail -1

clean:
	rm -rf bin cover.prof
	$(GO) clean -testcache
