# Makefile - builds the server and its load generator in objs/, runs it, tests it, installs it.
#
#   make run [PORT=8080] [ROOT=DIR]   serve a directory (the bundled site) in the foreground
#   make test                         what must pass: style, unit and black-box tests on both engines
#   make, unit, tidy, headers         the server and bench; one kind of test each
#   make asan, clang, fuzz            sanitizers; the second compiler; SECONDS=60 of each fuzz target
#   make test-ktls                    TLS by the kernel, in an emulated machine that has one which can (2 minutes)
#   make install DESTDIR=             below the prefix configure was given
#
# Sources are found by wildcard: a new file needs no word here. OBJS=DIR builds elsewhere, so that the plain build, the
# sanitizer build and the clang build stand side by side. `run` and `test` install what is missing, plain `make` does
# not.

OBJS ?= objs
PORT ?= 8080
ROOT ?= $(CURDIR)/conf/html
SECONDS ?= 60
JOBS ?= $(shell nproc)

MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all objects run test test-ktls tests replays choices floor unit tidy headers asan clang fuzz fuzzers man install clean

all: objects

# --- configuration

ifneq ($(filter run test test-ktls asan clang fuzz,$(MAKECMDGOALS)),)
INSTALL_MISSING = contrib/install-deps
else
INSTALL_MISSING = false
endif

# The folders stand for the modules: -V names those that are compiled in.
$(OBJS)/Makefile.conf: configure $(wildcard modules src/net src/http)
	@mkdir -p $(OBJS)
	@[ -x $(OBJS)/reconfigure ] || echo 'OBJS=$(OBJS) exec ./configure $(CONFIGURE)' >$(OBJS)/reconfigure
	@sh $(OBJS)/reconfigure || { $(INSTALL_MISSING) && sh $(OBJS)/reconfigure; }

ifneq ($(filter-out clean tidy,$(or $(MAKECMDGOALS),all)),)
include $(OBJS)/Makefile.conf
endif

# --- the server

CCACHE := $(shell command -v ccache)
export CCACHE_SLOPPINESS = pch_defines,time_macros
CXXFLAGS = -std=c++23 -O2 -g -fno-exceptions -fno-rtti -Wall -Wextra -pthread $(TUNING)
INCLUDES = -Isrc -I. -I$(OBJS) $(DEPENDENCY_CFLAGS)
COMPILE = $(CCACHE) $(CXX) $(CXXFLAGS) $(CC_OPT) $(INCLUDES)

MODULE_SOURCES := $(filter-out $(LEFT_OUT:%=modules/%/%),$(wildcard modules/*.cc modules/*/*.cc))
EMBEDDED := $(filter-out $(LEFT_OUT:%=modules/%/%),$(foreach kind,html css js json,$(wildcard modules/*/*.$(kind))))
MAIN := $(wildcard src/main.cc)
BENCH_MAIN := src/bench/main.cc
SOURCES := $(filter-out $(BENCH_MAIN),$(wildcard src/*/*.cc)) $(MODULE_SOURCES) $(wildcard $(ADDED:%=%/*.cc))
UNIT_SOURCES := $(wildcard t/unit/*_test.cc t/unit/*/*_test.cc t/unit/*/*/*_test.cc)
UNIT_SUPPORT := $(filter-out $(UNIT_SOURCES),$(wildcard t/unit/*.cc t/unit/*/*.cc))
FUZZ_SOURCES := $(wildcard t/fuzz/*_fuzz.cc)
# Those that no source of their own includes first, as t/tidy has it.
HEADERS := $(foreach h,$(wildcard src/*/*.h modules/*.h modules/*/*.h),$(if $(wildcard $(h:.h=.cc)),,$(h)))
MEASURE_SOURCES := contrib/bench/ring_choices.cc contrib/bench/floor.cc
COMPILED := $(MAIN) $(BENCH_MAIN) $(SOURCES) $(UNIT_SOURCES) $(UNIT_SUPPORT) $(FUZZ_SOURCES) $(MEASURE_SOURCES)

object = $(patsubst %.cc,$(OBJS)/%.o,$(1))
OBJECTS := $(call object,$(SOURCES)) $(EMBEDDED:%=$(OBJS)/%.o)
UNIT_OBJECTS := $(call object,$(UNIT_SOURCES) $(UNIT_SUPPORT))
REPLAYS := $(patsubst t/fuzz/%_fuzz.cc,$(OBJS)/fuzz/%_replay,$(FUZZ_SOURCES))
FUZZERS := $(patsubst t/fuzz/%.cc,$(OBJS)/fuzz/%,$(FUZZ_SOURCES))
MANUALS := $(OBJS)/man/server.8 $(OBJS)/man/server.conf.5 $(OBJS)/man/bench.1

# Without src/main.cc there are objects and unit tests only.
objects: $(if $(MAIN),$(OBJS)/server $(OBJS)/bench $(MANUALS),$(OBJECTS)) $(OBJS)/compile_commands.json

# g++ finds precompiled.h.gch beside the file it is told to include. Unit tests have one of their own.
PRECOMPILED := $(if $(findstring clang,$(CXX)),,$(OBJS)/src/precompiled.h.gch)
UNIT_PRECOMPILED := $(PRECOMPILED:%/src/precompiled.h.gch=%/t/unit/precompiled.h.gch)
$(PRECOMPILED) $(UNIT_PRECOMPILED): $(OBJS)/%.gch: % src/precompiled.h $(OBJS)/flags
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@echo '#include "$<"' >$(@:.gch=)
	@$(CXX) $(CXXFLAGS) $(CC_OPT) $(INCLUDES) -x c++-header $(@:.gch=) -o $@

$(OBJS)/%.o: %.cc $(OBJS)/flags $(PRECOMPILED)
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(COMPILE) $(PRECOMPILED:%.gch=-fpch-preprocess -include %) -MMD -MP -c $< -o $@

# modules/NAME/FILE.html becomes part of the program as embedded_NAME_FILE_html: see base/embedded.h.
$(EMBEDDED:%=$(OBJS)/%.o): $(OBJS)/%.o: % $(OBJS)/flags
	@mkdir -p $(@D)
	@echo "  BYTES $<"
	@name=embedded_$(subst /,_,$(subst .,_,$(<:modules/%=%))); printf '%s\n' '.section .rodata' \
	    ".global $$name, $${name}_end" "$$name:" '.incbin "$<"' "$${name}_end:" '.byte 0' \
	    '.section .note.GNU-stack,"",%progbits' | $(CXX) -x assembler -c - -o $@

$(OBJS)/flags $(OBJS)/build.h: $(OBJS)/Makefile.conf ;

$(OBJS)/libserver.a: $(OBJECTS)
	@rm -f $@ && ar rcsT $@ $^

LINK = @echo "  LINK  $@"; mkdir -p $(@D); $(CXX) $(CXXFLAGS) $(CC_OPT) $(filter %.o,$^)
link_end = $(filter %.a,$^) $(LIBS) $(LD_OPT) -o $@

$(OBJS)/server: $(call object,$(MAIN)) $(OBJS)/libserver.a
	$(LINK) $(link_end)

$(OBJS)/bench: $(call object,$(BENCH_MAIN)) $(OBJS)/libserver.a
	$(LINK) $(link_end)

-include $(patsubst %.cc,$(OBJS)/%.d,$(COMPILED))

# Editors and linters look for compile_commands.json; it changes with the list of files and the flags.
compile_commands.json: $(OBJS)/compile_commands.json
$(OBJS)/compile_commands.json: $(OBJS)/flags Makefile $(wildcard src src/* modules modules/*)
	@{ echo '['; separator=; for file in $(COMPILED); do \
	    printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}\n' "$$separator" '$(CURDIR)' $$file \
	        '$(subst ",\",$(CXX) $(CXXFLAGS) $(CC_OPT) $(INCLUDES))' $$file; separator=,; \
	done; echo ']'; } >$@

# --- run

run:
	@$(MAKE) all
	@contrib/serve $(OBJS) $(PORT) "$(ROOT)"

# --- tests

# Tests take twice as long to optimise as they then run. With precompiled headers, g++ 12 warns of what it inlines from
# the library into them, and is wrong.
$(UNIT_OBJECTS) $(UNIT_PRECOMPILED): CXXFLAGS += $(if $(findstring -O,$(CC_OPT)),,-O1 -g1)
$(UNIT_OBJECTS): CXXFLAGS += $(if $(PRECOMPILED),-Wno-array-bounds -Wno-stringop-overflow)
$(UNIT_OBJECTS): PRECOMPILED := $(UNIT_PRECOMPILED)
$(UNIT_OBJECTS): $(UNIT_PRECOMPILED)
$(OBJS)/unit_test: $(UNIT_OBJECTS) $(OBJS)/libserver.a
	$(LINK) $(link_end) -lgtest -lgtest_main

$(OBJS)/fuzz/%_replay: $(OBJS)/t/fuzz/%_fuzz.o $(OBJS)/t/fuzz/replay.o $(OBJS)/libserver.a
	$(LINK) $(link_end)

$(OBJS)/ring_choices $(OBJS)/floor: $(OBJS)/%: $(OBJS)/contrib/bench/%.o $(OBJS)/libserver.a
	$(LINK) $(link_end)

$(OBJS)/headers/%.ok: % $(OBJS)/flags
	@mkdir -p $(@D)
	@$(COMPILE) -fsyntax-only -x c++ -include $< /dev/null && touch $@

headers: $(HEADERS:%=$(OBJS)/headers/%.ok)
unit: $(OBJS)/unit_test
	@$(OBJS)/unit_test --gtest_brief=1
tidy:
	@t/tidy
replays: $(REPLAYS)
choices: $(OBJS)/ring_choices
floor: $(OBJS)/floor
tests: objects $(if $(UNIT_SOURCES),$(OBJS)/unit_test) replays choices floor

test:
	@contrib/install-deps --test
	@$(MAKE) tests
	@t/run $(OBJS)

test-ktls:
	@contrib/install-deps --ktls
	@$(MAKE) all
	@t/ktls/run $(OBJS)

# With its own instrumentation in the way, g++ 12 takes what is set for unset; the plain build checks both. Lines are
# enough for a report, and take much less time to write. (clang needs twice as long for the same.)
SANITIZE = -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
    -Wno-maybe-uninitialized -Wno-stringop-overread
asan:
	@contrib/install-deps --test
	@$(MAKE) OBJS=$(OBJS)/asan CONFIGURE='--with-debug --with-cc-opt="$(SANITIZE)"' tests
	@RINGX_TEST_ENGINES=one t/run $(OBJS)/asan

CLANG := $(firstword $(foreach c,clang++-21 clang++-20 clang++-19,$(shell command -v $(c))) clang++)
clang:
	@CXX=$(CLANG) $(MAKE) OBJS=$(OBJS)/clang CONFIGURE='--with-cc-opt="-Werror -O0 -g0"' objects replays headers choices floor

FUZZ = -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
fuzz:
	@CXX=$(CLANG) $(MAKE) OBJS=$(OBJS)/clang-fuzz CONFIGURE='--with-cc-opt="$(FUZZ)"' fuzzers
	@t/fuzz/run $(OBJS)/clang-fuzz $(SECONDS)

fuzzers: $(FUZZERS)
$(OBJS)/fuzz/%_fuzz: $(OBJS)/t/fuzz/%_fuzz.o $(OBJS)/libserver.a
	$(LINK) -fsanitize=fuzzer $(link_end)

# --- manual and installation

man: $(MANUALS)

FILL_IN = sed -e 's|@VERSION@|$(VERSION)|; s|@PREFIX@|$(PREFIX)|; s|@CONF_PATH@|$(CONF_PATH)|' \
    -e 's|@ERROR_LOG_PATH@|$(ERROR_LOG_PATH)|; s|@HTTP_LOG_PATH@|$(HTTP_LOG_PATH)|; s|@PID_PATH@|$(PID_PATH)|'

$(OBJS)/man/server.8 $(OBJS)/man/bench.1: $(OBJS)/man/%: man/% $(OBJS)/flags
	@mkdir -p $(@D)
	@$(FILL_IN) $< >$@

# The list of directives comes from the rows the program is made of.
$(OBJS)/man/server.conf.5: man/server.conf.5.in man/directives.awk $(OBJS)/server
	@mkdir -p $(@D)
	@$(OBJS)/server --directives >$@.table
	@LC_ALL=C sort $@.table | awk -F '\t' -f man/directives.awk >$@.list
	@$(FILL_IN) -e '/^@DIRECTIVES@$$/{' -e 'r $@.list' -e 'd' -e '}' $< >$@

# A configuration that is there already is kept; what would have been installed stands beside it as NAME.default.
INSTALL_NEW = install_new() { \
    install -m 644 "$$1" "$$2.default"; [ -e "$$2" ] || install -m 644 "$$1" "$$2"; }; install_new
CONF_DIR = $(dir $(CONF_PATH))

install: all $(MANUALS)
	install -d $(foreach d,$(dir $(SBIN_PATH) $(ERROR_LOG_PATH) $(HTTP_LOG_PATH) $(PID_PATH)) $(CONF_DIR),'$(DESTDIR)$d')
	install -m 755 $(OBJS)/server '$(DESTDIR)$(SBIN_PATH)'
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(OBJS)/bench '$(DESTDIR)$(PREFIX)/bin/ringx-bench'
	$(INSTALL_NEW) conf/server.conf '$(DESTDIR)$(CONF_PATH)'
	$(INSTALL_NEW) conf/mime.types '$(DESTDIR)$(CONF_DIR)mime.types'
	[ -d '$(DESTDIR)$(PREFIX)/html' ] || { install -d '$(DESTDIR)$(PREFIX)/html' && \
	    install -m 644 conf/html/* '$(DESTDIR)$(PREFIX)/html'; }
	install -d $(foreach d,1 5 8,'$(DESTDIR)$(PREFIX)/share/man/man$d')
	install -m 644 $(OBJS)/man/server.8 '$(DESTDIR)$(PREFIX)/share/man/man8'
	install -m 644 $(OBJS)/man/server.conf.5 '$(DESTDIR)$(PREFIX)/share/man/man5'
	install -m 644 $(OBJS)/man/bench.1 '$(DESTDIR)$(PREFIX)/share/man/man1/ringx-bench.1'

clean:
	rm -rf $(OBJS)
