# make demo    build, then show the main job on real input (Go, git and make)
# make test    everything that must hold (gcc, Node and npm besides)
# make test-images  PyTorch, POV-Ray, ffmpeg and a web server on rented machines (mmdebstrap besides; who is not root: uidmap)
# make test-cgroup2 containers on a kernel with cgroup v2 alone (qemu-system-x86, mmdebstrap)
GO        ?= go
BIN       := bin
ARTEL     := $(BIN)/artel
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -s -w -X main.release=$(VERSION)

.PHONY: all build demo test test-go test-contracts test-images test-cgroup2 images generate check-generated bench sim chaos cross fuzz vet clean

all: build

build: $(ARTEL) $(BIN)/digits.wasm $(BIN)/digits

# The product is static: CGO_ENABLED=0. Go's own cache decides what is rebuilt. The tag
# makes it hold the small program that containers are made of; without it artel executes
# itself, and a container begins some 0.1 s later.
.PHONY: $(ARTEL) $(BIN)/digits.wasm $(BIN)/digits
$(ARTEL):
	$(GO) run ./internal/tools/pack
	CGO_ENABLED=0 $(GO) build -tags artel_box -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/artel

$(BIN)/digits.wasm:
	GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -ldflags '-s -w' -o $@ ./examples/digits

# The same for containers.
$(BIN)/digits:
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o $@ ./examples/digits

demo: build
	$(ARTEL) demo --program $(BIN)/digits.wasm --native $(BIN)/digits --data examples/digits

test: vet test-contracts test-go

# -race wants cgo; process tests build and start the real artel without it. Whole
# networks come last, with the machine to themselves.
test-go: contracts/node_modules/.installed
	CGO_ENABLED=1 $(GO) run ./internal/tools/gotest -race -timeout 40m $(TESTFLAGS) $$($(GO) list ./... | grep -v '/internal/devnet$$')
	CGO_ENABLED=1 $(GO) run ./internal/tools/gotest -race -timeout 40m $(TESTFLAGS) ./internal/devnet

test-contracts: contracts/node_modules/.installed
	$(MAKE) -C contracts test check-generated

# Container images of Debian's packages, made once and kept: IMAGES="pytorch" makes one.
# MIRROR is where packages come from, as mmdebstrap takes it.
images:
	$(GO) run ./internal/tools/images -dir $(BIN)/images -mirror '$(MIRROR)' $(IMAGES)

test-images:
	$(GO) test -tags images -count=1 -v -timeout 120m -run '^(TestRealPrograms|TestMovedTraining)$$' ./internal/devnet -args -images '$(abspath $(BIN)/images)' -mirror '$(MIRROR)'

# Containers on a kernel with cgroup v2 alone, in an emulated machine without KVM: slow.
# CASE=pattern runs some of sandbox/gvisor/testdata/cgroup2.sh.
test-cgroup2: build
	CGO_ENABLED=0 $(GO) test -tags cgroup2 -count=1 -v -timeout 240m -run '^TestCgroup2$$' ./sandbox/gvisor -args -images '$(abspath $(BIN)/images)' -mirror '$(MIRROR)' -artel '$(abspath $(ARTEL))' -case '$(CASE)'

contracts/node_modules/.installed: contracts/package-lock.json
	$(MAKE) -C contracts deps

vet:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'hint: gofmt -w'; exit 1; }
	$(GO) vet -stdmethods=false ./...
	$(GO) vet -tags images ./internal/devnet
	$(GO) vet -tags cgroup2 ./sandbox/gvisor

generate: contracts/node_modules/.installed
	$(MAKE) -C contracts generate vectors
	sh wire/generate.sh

check-generated: contracts/node_modules/.installed
	$(MAKE) -C contracts check-generated
	sh wire/generate.sh --check

# Long runs, each its own target.
bench: build
	$(GO) run ./internal/tools/bench -artel $(ARTEL)

sim:
	$(GO) test ./internal/simtest -count=1 -timeout 4h -run TestSeeds -sim.seeds=2000 -sim.nodes=30
	$(GO) test ./internal/simtest -count=1 -timeout 4h -run TestSeeds -sim.seeds=5 -sim.nodes=1000

# Real processes, and what can happen to them. SEED=N does it again as it was.
CHAOS ?= 10m
chaos:
	$(GO) test ./internal/devnet -count=1 -v -timeout 30m -run '^TestChaos$$' -args -chaos.for=$(CHAOS) -chaos.seed=$(or $(SEED),0)

FUZZTIME ?= 30s
fuzz:
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep ^Fuzz); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$p || exit 1; \
	  done; done

# Builds only: nothing but linux/amd64 is run here. Where wazero has no compiler (arm,
# riscv64) WASM is interpreted, and the offer says how slow that is.
CROSS ?= linux/amd64 linux/arm64 linux/arm linux/riscv64 darwin/amd64 darwin/arm64 windows/amd64
cross:
	@for t in $(CROSS); do echo $$t; \
	  $(GO) run ./internal/tools/pack -os $${t%/*} -arch $${t#*/} || exit 1; \
	  GOOS=$${t%/*} GOARCH=$${t#*/} GOARM=7 CGO_ENABLED=0 $(GO) build -tags artel_box -o /dev/null ./cmd/artel || exit 1; done

clean:
	rm -rf $(BIN) contracts/out contracts/cache
