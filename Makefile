# `make help` lists what there is to make. Everything is built below target/.

PREFIX     ?= /usr/local
INCLUDEDIR ?= $(PREFIX)/include
LIBDIR     ?= $(PREFIX)/lib
DESTDIR    ?=
# STRIP=: installs the libraries as the compiler made them.
STRIP      ?= strip
C_FLAGS     = -std=c99 -O2 -Wall -Wextra -pedantic -pthread $(CFLAGS)

# Part of the soname; bumped only with the major version, as build.rs says.
ABI     := 1
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

# The scripts look for programs here, wherever else Cargo may have been told to build.
export CARGO_TARGET_DIR := $(CURDIR)/target
MAKEFLAGS += --no-print-directory

.PHONY: all lib debug examples demo test fuzz mutants bench lint install clean help
# One command at a time: Cargo uses every core by itself.
.NOTPARALLEL:

all: lib

help:
	@echo 'make             the release library: target/release/libciba.so and libciba.a'
	@echo 'make demo        a whole sign-in, from C, at a provider on this machine'
	@echo 'make test        every suite; installs what is missing (SUITES="c symbols": only these)'
	@echo 'make fuzz        every fuzz target for FUZZ_SECONDS=60 each (TARGETS="id_token discovery": only these)'
	@echo 'make mutants     do the tests notice each change to the rooms of the protocol? Hours; MUTANTS=src/flow.rs: one room'
	@echo 'make bench       what a poll and an ID Token check cost'
	@echo 'make lint        format, clippy, dependencies'
	@echo 'make install     PREFIX=$(PREFIX) DESTDIR=$(DESTDIR): library, header, ciba.pc, CMake package'
	@echo 'make clean       removes what was built'

# Both libraries in one go, so that the link-time optimisation is done once. As
# soon as `rlib` is among the crate types Cargo leaves that optimisation out
# without a word, hence the explicit list. The libraries that a static link needs
# are printed for tests/packaging to compare with ciba.pc.
# Panic texts name files: not those of the machine that built the library.
CARGO_HOME ?= $(HOME)/.cargo
lib: export RUSTFLAGS := $(RUSTFLAGS) --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CARGO_HOME)/registry/src=.
lib: export CFLAGS := $(CFLAGS) -ffile-prefix-map=$(CARGO_HOME)/registry/src=.
lib:
	cargo rustc --release --lib --crate-type cdylib,staticlib --locked -- --print native-static-libs
	@ln -sf libciba.so target/release/libciba.so.$(ABI)

# Not optimised, and so built in a fraction of the time: the library, the
# simulator, the C examples. One selection of packages for all of them: with
# another one Cargo would build the dependencies anew.
debug:
	cargo build --workspace --lib --bins --locked
	@ln -sf libciba.so target/debug/libciba.so.$(ABI)
	@mkdir -p target/c
	for name in sign_in call_centre notification_endpoint; do \
		$(CC) $(C_FLAGS) -Iinclude examples/c/$$name.c -o target/c/$$name \
			-Ltarget/debug -lciba -Wl,-rpath,'$(CURDIR)/target/debug' $(LDFLAGS) || exit 1; \
	done

examples: debug
	cargo build --workspace --examples --locked

demo:
	@echo '== The library, the provider and the C example are built: about two minutes the first time'
	@$(MAKE) debug
	@echo
	@echo '== examples/c/sign_in.c signs in at a provider on this machine; nobody has to press anything'
	@tests/with_simulator.py --personality signaturgruppen --narrate -- target/c/sign_in \
		provider=signaturgruppen issuer={issuer} ca_file={ca_file} ca_mode=replace \
		client_id={client_id} token_endpoint_auth_method=client_secret_basic -- \
		login_hint_token.uuid=8a9856e0-f12d-4217-b320-c8a076be9320 login_hint_token.ip=127.0.0.1 \
		login_hint_token.referenceTextBody='Approve the payment of 100 kr.'

test:
	@tests/run $(SUITES)

fuzz:
	@fuzz/run $(TARGETS)

mutants:
	@tests/mutants $(MUTANTS)

lint:
	@tests/run format clippy deny

bench:
	@tests/tools.py curl openssl-headers
	@$(MAKE) lib
	@benches/run
	@benches/flows.py

# Builds only what is not there yet: installing as root must not need Cargo.
install:
	@test -f target/release/libciba.so && test -f target/release/libciba.a || $(MAKE) lib
	install -d '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(LIBDIR)/cmake/ciba'
	install -m 644 include/ciba.h include/ciba.hpp '$(DESTDIR)$(INCLUDEDIR)/'
	install -m 755 target/release/libciba.so '$(DESTDIR)$(LIBDIR)/libciba.so.$(ABI).$(VERSION)'
	ln -sf libciba.so.$(ABI).$(VERSION) '$(DESTDIR)$(LIBDIR)/libciba.so.$(ABI)'
	ln -sf libciba.so.$(ABI) '$(DESTDIR)$(LIBDIR)/libciba.so'
	install -m 644 target/release/libciba.a '$(DESTDIR)$(LIBDIR)/'
	$(STRIP) --strip-unneeded '$(DESTDIR)$(LIBDIR)/libciba.so.$(ABI).$(VERSION)'
	$(STRIP) --strip-debug '$(DESTDIR)$(LIBDIR)/libciba.a'
	@for file in pkgconfig/ciba.pc cmake/ciba/ciba-config.cmake cmake/ciba/ciba-config-version.cmake; do \
		sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
			-e 's|@VERSION@|$(VERSION)|g' -e 's|@ABI@|$(ABI)|g' \
			"bindings/c/$${file##*/}.in" > '$(DESTDIR)$(LIBDIR)'/"$$file" || exit 1; \
		echo "wrote $(DESTDIR)$(LIBDIR)/$$file"; \
	done

clean:
	cargo clean
