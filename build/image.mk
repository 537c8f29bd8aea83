# SPDX-License-Identifier: BSD-2-Clause
# Linking the guest: the image, and one ELF for each guest test.
#
# Each is linked twice.  The first result's symbols become the table behind
# backtraces (.ksyms), which goes where it moves no function.

GUEST_LD := ld -m elf_x86_64 -nostdlib -static -z noexecstack \
	-z max-page-size=4096 --build-id=none -e $(conf-entry) -T arch/x86/domus.lds

# Everything but the entry code is a library: a test takes what it needs.
arch-objs := $(call guest-obj,$(arch-srcs))
guest-lib := $(KOUT)/guest/libguest.a

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

$(eval $(call guest-link,$(KOUT)/domus-x86_64.elf,$(app-objs)))

# The image under a cover for kernel= of a Xen HVM guest; arch/x86/bzimage.S.
kern-sym = 0x$$(nm $< | sed -n 's/^ffffffff\(.*\) . $(1)$$/\1/p')-0x80000000
%-hvm.elf: %.bzimage	# name that the lab uses
	$(Q)cp $< $@
%.bzimage: %.elf arch/x86/bzimage.S
	$(call say,LD,$@)objcopy -O binary $< $@.bin
	$(Q)$(CC) -m32 -c -o $@.o arch/x86/bzimage.S -DIMAGE='"$@.bin"' \
	    -DKERN_IMAGE="($(call kern-sym,kern_start))" \
	    -DKERN_LOAD_END="($(call kern-sym,kern_load_end))" \
	    -DKERN_END="($(call kern-sym,kern_end))" \
	    -DKERN_ENTRY="($(call kern-sym,pvh_entry))"
	$(Q)ld -m elf_i386 -Ttext 0 --oformat binary -o $@ $@.o
	$(Q)rm -f $@.bin $@.o
	$(Q)test $$(stat -c %s $@) -le 3145728 || { rm $@; echo \
	    "$@ would overwrite itself when it is moved to 4 MiB" >&2; exit 1; }

# ---- guest tests ---------------------------------------------------------------
XEN_ENVS := dom0-pv dom0-pvh
QEMU_ENVS := qemu-q35 qemu-microvm
ALL_ENVS := $(XEN_ENVS) $(QEMU_ENVS)

guest-tests :=
include $(wildcard tests/guest/*/Makefile)

# $(1) environments: the names of all runs in them, as TEST.ENV
guest-runs = $(foreach t,$(guest-tests),\
	$(addprefix $(t).,$(filter $(1) $(1:%=%-%cpu),$($(t)-envs))))

# $(1) TEST.ENV
define guest-run
.PHONY: run-$(1)
run-$(1): $(KOUT)/tests/test-$(basename $(1)).elf
	@tools/run --quiet --log $(OUT)/results/guest/$(1) \
	    --expect '$($(basename $(1))-expect)' \
	    $(subst .,,$(suffix $(1))) $$< || true
endef
$(foreach r,$(call guest-runs,$(ALL_ENVS)),$(eval $(call guest-run,$(r))))

# The tests one after another: an emulator on a busy machine is late.
define guest-suite
	$(Q)rm -f $(addprefix $(OUT)/results/guest/,$(call guest-runs,$(1)))
	$(Q)$(MAKE) -s --no-print-directory -j1 \
	    $(addprefix run-,$(call guest-runs,$(1)))
	@tools/run --sum $(addprefix $(OUT)/results/guest/,$(call \
	    guest-runs,$(1)))
endef

guest-elfs := $(guest-tests:%=$(KOUT)/tests/test-%.elf)
xen: $(guest-elfs)			## guest tests as Xen's dom0, PV and PVH
	$(call guest-suite,$(XEN_ENVS))
qemu: $(guest-elfs)			## guest tests on QEMU q35 and microvm
	$(call guest-suite,$(QEMU_ENVS))
