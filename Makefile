# The door: each target installs what it needs and is missing, builds, and does what it says.
#
#   make run ARGS='--listen http://127.0.0.1:9000'     make test     make fuzz FUZZ_SECONDS=600

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.PHONY: run build test check unit node bench asan tsan fuzz install clean help

ARGS ?=
STAGES ?= check unit node unit-asan unit-tsan node-tsan
FUZZ_SECONDS ?= 60
ROUNDS ?= 1
SECONDS_EACH ?= 1
OUT ?= build-bench/report
export FUZZ_SECONDS

run: build ## build a release and serve; ARGS='…' are passed on
	@exec build/crosstalk serve $(ARGS)

build: ## build a release into build/
	@tools/install-packages run
	tools/configure build
	ninja -C build --quiet crosstalk

test: ## everything that can fail: checks, unit tests, node suites, sanitizers; STAGES='…' picks
	@tools/install-packages run test
	tools/run-tests $(STAGES)

check: ## static checks: layers, headers, rules, format, warnings of gcc and clang
	@tools/install-packages run test
	tools/run-tests check

unit: ## the unit tests alone
	@tools/install-packages run test
	tools/run-tests unit

node: ## the node suites alone: tests/, web/
	@tools/install-packages run test
	tools/run-tests node

asan: ## all tests with the address and undefined-behaviour sanitizers
	@tools/install-packages run test
	tools/run-tests unit-asan node-asan

tsan: ## all tests with the thread sanitizer
	@tools/install-packages run test
	tools/run-tests unit-tsan node-tsan-all

fuzz: ## each fuzz target for FUZZ_SECONDS, from its corpus in fuzz/corpus
	@tools/install-packages run fuzz
	tools/fuzz run

bench: ## beside floor and peers; ROUNDS=5 SECONDS_EACH=5 OUT=docs for the page in docs/ (bench/README.md)
	@tools/install-packages run bench
	tools/configure build
	ninja -C build --quiet
	bench/peers/fetch
	meson test -C build --benchmark --verbose --no-rebuild
	bench/run --rounds $(ROUNDS) --seconds $(SECONDS_EACH) --out $(OUT)

install: ## program, library, headers, manual pages into PREFIX (/usr/local); DESTDIR is honoured
	@tools/install-packages run
	tools/configure build
	$(if $(PREFIX),meson configure build --prefix='$(PREFIX)',:)
	ninja -C build --quiet
	meson install -C build --no-rebuild

clean: ## remove all that was built
	@rm -rf build build-asan build-tsan build-fuzz build-bench build-logs

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16
