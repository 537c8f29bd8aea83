# SPDX-License-Identifier: BSD-2-Clause
# Host tests: each test with gcc and clang, 64 and 32 bit, ASan and UBSan.
# `make check VARIANTS=gcc64` runs one of them; `make t_ring` runs one test.

VARIANTS ?= gcc64 clang64 gcc32 clang32
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined

cc-gcc64 := gcc -m64
cc-gcc32 := gcc -m32
cc-clang64 := clang -m64
cc-clang32 := clang -m32

HOST_CFLAGS = -O1 -g -std=gnu11 -D_GNU_SOURCE -DPV_CHECKED -DPV_HOSTED \
	$(SAN) $(WARN) -fno-omit-frame-pointer $(LIB_INC) $(ALL_DRIVERS) -Ikernel -Iport/host -Isim -Itests \
	-isystem $(CMOCKA)/include

# cmocka is one file; from source it is there in both widths.
CMOCKA ?= $(OUT)/deps/src/cmocka-1.1.5
$(CMOCKA)/src/cmocka.c:
	@tools/fetch source cmocka
CMOCKA_DEFS := -DHAVE_INTTYPES_H -DHAVE_STDLIB_H -DHAVE_STRING_H \
	-DHAVE_STRINGS_H -DHAVE_SIGNAL_H -DHAVE_SETJMP_H -DHAVE_STDARG_H \
	-DHAVE_STDDEF_H -DHAVE_STDIO_H -DHAVE_TIME_H -DHAVE_UNISTD_H \
	-DHAVE_MALLOC_H -DHAVE_SNPRINTF -DHAVE_VSNPRINTF -DHAVE_SIGLONGJMP \
	-DHAVE_STRSIGNAL -DHAVE_GCC_THREAD_LOCAL_STORAGE -D_GNU_SOURCE

# $(1) test, $(2) variant, $(3) its directory
define host-test
$(OUT)/host/$(2)/$(1): $(OUT)/host/$(2)/tests/$(3)/$(1).o \
		$(OUT)/host/$(2)/cmocka.o \
		$$(patsubst %.c,$(OUT)/host/$(2)/%.o,$$($(1)-srcs))
	$$(call say,LD,$$@)$$(cc-$(2)) $(SAN) -o $$@ $$^ $$($(1)-libs)
$(OUT)/results/check/$(1).$(2): $(OUT)/host/$(2)/$(1)
	@tools/run-host $$< $$@
$(OUT)/host/$(2)/tests/$(3)/$(1).o: private HOST_EXTRA = $$($(1)-cflags)
endef

define host-variant
$(OUT)/host/$(1)/cmocka.o: $(CMOCKA)/src/cmocka.c
	@mkdir -p $$(@D)
	$$(call say,CC,cmocka.$(1))$$(cc-$(1)) -O1 -g $(CMOCKA_DEFS) \
	    -I$(CMOCKA)/include -w -c $$< -o $$@
$(OUT)/host/$(1)/%.o: %.c | $(XEN_LINK) $(CMOCKA)/src/cmocka.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$<.$(1))$$(cc-$(1)) $$(HOST_CFLAGS) $$(hostflags-$$<) \
	    $$(HOST_EXTRA) -MMD -MP -c $$< -o $$@
endef
$(foreach v,$(VARIANTS),$(eval $(call host-variant,$(v))))

# What is compiled with lwIP's headers.
$(foreach v,$(VARIANTS),$(lwip-hosted:%=$(OUT)/host/$(v)/%.o)): | \
	$(LWIP_SRC)/core/init.c

# A test may name a smaller set of variants in t_<name>-variants.
variants-of = $(filter $(VARIANTS),$(or $($(1)-variants),$(VARIANTS)))
test-dir = $(notdir $(patsubst %/,%,$(dir $(firstword \
	$(wildcard tests/*/$(1).c)))))
define all-variants
$(foreach v,$(call variants-of,$(1)),$(eval $(call host-test,$(1),$(v),$(call \
	test-dir,$(1)))))
.PHONY: $(1)
$(1): $(foreach v,$(call variants-of,$(1)),$(OUT)/results/check/$(1).$(v))
endef
$(foreach t,$(sim-tests),$(eval $(t)-srcs ?= $(libdomus-srcs) $(sim-srcs)))
$(foreach t,$(unit-tests),$(if $(filter sim/%,$($(t)-srcs)),,$(eval \
	$(t)-srcs += tests/unit/trace.c)))
host-tests := $(unit-tests) $(sim-tests)
$(foreach t,$(host-tests),$(eval $(call all-variants,$(t))))

# Tests of $(tsan-tests) run under the thread sanitizer too, which goes with no
# other, as t_<name>.tsan.
TSAN := -O1 -g -std=gnu11 -D_GNU_SOURCE -DPV_HOSTED -fsanitize=thread
$(OUT)/host/tsan/cmocka.o: $(CMOCKA)/src/cmocka.c
	@mkdir -p $(@D)
	$(call say,CC,cmocka.tsan)gcc $(TSAN) $(CMOCKA_DEFS) \
	    -I$(CMOCKA)/include -w -c $< -o $@
define tsan-test
$(OUT)/host/tsan/$(1): $$(wildcard tests/*/$(1).c) $$($(1)-srcs) \
		$$(wildcard kernel/*.h) $(OUT)/host/tsan/cmocka.o | $(XEN_LINK)
	$$(call say,CC,$$@)gcc $(TSAN) $(WARN) $(LIB_INC) -Ikernel \
	    -Iport/host -isystem $(CMOCKA)/include $$($(1)-cflags) -o $$@ \
	    $$(filter %.c %.o,$$^) $$($(1)-libs)
$(OUT)/results/check/$(1).tsan: $(OUT)/host/tsan/$(1)
	@tools/run-host $$< $$@
$(1): $(OUT)/results/check/$(1).tsan
endef
$(foreach t,$(tsan-tests),$(eval $(call tsan-test,$(t))))

unit: $(host-tests)			## host tests, all variants

-include $(shell find $(OUT)/host -name '*.d' 2>/dev/null)

# ---- fuzzing -----------------------------------------------------------------
T ?= 60
fuzz-tests := $(basename $(notdir $(wildcard tests/fuzz/f_*.c)))
fuzz: $(fuzz-tests:%=fuzz-%)		## each fuzzer for T=60 seconds
fuzz-%: | $(XEN_LINK) $(CMOCKA)/src/cmocka.c
	@mkdir -p $(OUT)/fuzz/$*
	clang -O1 -g -std=gnu11 -D_GNU_SOURCE -DPV_CHECKED -DPV_HOSTED \
	    $(LIB_INC) $(ALL_DRIVERS) -Ikernel -Iport/host -Isim -Itests \
	    -fsanitize=fuzzer,address,undefined \
	    $($*-cflags) -o $(OUT)/fuzz/$*.bin tests/fuzz/$*.c $($*-srcs)
	$(OUT)/fuzz/$*.bin -max_total_time=$(T) -artifact_prefix=$(OUT)/fuzz/ \
	    $($*-args) $(OUT)/fuzz/$*
