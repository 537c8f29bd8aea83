# SPDX-License-Identifier: BSD-2-Clause
# Linking the guest: the image, and one ELF for each guest test.
#
# Each is linked twice.  The first result's symbols become the table behind
# backtraces (.ksyms), which goes where it moves no function.

GUEST_LD := ld -m elf_x86_64 -nostdlib -static -z noexecstack \
	-z max-page-size=4096 --build-id=none -T arch/x86/domus.lds

# Everything but the entry code is a library: a test takes what it needs.
arch-objs := $(patsubst %.S,$(OUT)/guest/%.o,$(arch-srcs:%.c=$(OUT)/guest/%.o))
guest-lib := $(OUT)/guest/libguest.a

$(guest-lib): $(filter-out $(arch-objs),$(guest-objs))
	$(call say,AR,$@)rm -f $@; ar rcsD $@ $^

# $(1) the ELF, $(2) its own objects
define guest-link
$(1): $(2) $(arch-objs) $(guest-lib) arch/x86/domus.lds build/ksyms.awk
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(GUEST_LD) -o $$@.1 $(2) $(arch-objs) \
	    --start-group $(guest-lib) --end-group
	$$(Q)nm -n $$@.1 | awk -f build/ksyms.awk > $$@.S
	$$(Q)$$(CC) -m64 -c -o $$@.ksyms.o $$@.S
	$$(Q)$$(GUEST_LD) -o $$@ $(2) $(arch-objs) $$@.ksyms.o \
	    --start-group $(guest-lib) --end-group
	$$(Q)rm -f $$@.1 $$@.S $$@.ksyms.o
endef

$(eval $(call guest-link,$(OUT)/domus-x86_64.elf,$(app-objs)))
