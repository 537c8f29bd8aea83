# SPDX-License-Identifier: BSD-2-Clause
# The guest image, out/domus-x86_64.elf, or that of another configuration.

include build/conf.mk

GCC_INC := $(shell $(CC) -print-file-name=include)
GUEST_ARCH := -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic \
	-fno-pie -fno-omit-frame-pointer -fno-optimize-sibling-calls \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
GUEST_INC := -nostdinc -isystem $(GCC_INC) -isystem kernel/libc/include \
	$(LIB_INC) -Ikernel -Iport/guest -Iarch/x86/include
GUEST_CFLAGS = $(COPTFLAGS) $(DEBUG) -std=gnu11 -ffreestanding -fno-common \
	-Wframe-larger-than=512 $(GUEST_ARCH) $(WARN) $(GUEST_INC) \
	$(CONF_CFLAGS)
GUEST_AFLAGS = -g $(GUEST_ARCH) $(GUEST_INC) -D__ASSEMBLY__

arch-srcs := $(filter-out $(conf-out),$(arch-srcs))
app-srcs := $(filter-out $(conf-out),$(app-srcs))
guest-srcs := $(filter-out $(conf-out),$(libdomus-srcs) $(kernel-srcs) \
	$(libc-srcs) $(port-srcs)) $(arch-srcs) $(conf-in)
guest-objs := $(call guest-obj,$(guest-srcs))
app-objs := $(call guest-obj,$(app-srcs))

# $(1) KOUT, GOUT
define guest-rules
$(1)/guest/%.o: %.c | $(XEN_LINK)
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$(CC) $$(GUEST_CFLAGS) $$(cflags-$$<) -MMD -MP -c $$< -o $$@
$(1)/guest/%.o: %.S | $(XEN_LINK)
	@mkdir -p $$(@D)
	$$(call say,AS,$$<)$(CC) $$(GUEST_AFLAGS) $$(cflags-$$<) -MMD -MP -c $$< -o $$@
endef
$(foreach d,$(sort $(KOUT) $(GOUT)),$(eval $(call guest-rules,$(d))))

# Third parties: unpatched sources, fewer warnings; each adds to guest-objs.
-include build/lwip.mk
-include build/e2fs.mk
# The link, the guest tests, make xen and make qemu.
-include build/image.mk

-include $(guest-objs:.o=.d) $(app-objs:.o=.d)
