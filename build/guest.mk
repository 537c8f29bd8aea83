# SPDX-License-Identifier: BSD-2-Clause
# The guest image, out/domus-x86_64.elf.

GCC_INC := $(shell $(CC) -print-file-name=include)
GUEST_ARCH := -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic \
	-fno-pie -fno-omit-frame-pointer -fno-optimize-sibling-calls \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
GUEST_INC := -nostdinc -isystem $(GCC_INC) -isystem kernel/libc/include \
	$(LIB_INC) -Ikernel -Iport/guest -Iarch/x86/include
GUEST_CFLAGS = -O2 -g -std=gnu11 -ffreestanding -fno-common \
	-Wframe-larger-than=512 $(GUEST_ARCH) $(WARN) $(GUEST_INC)
GUEST_AFLAGS = -g $(GUEST_ARCH) $(GUEST_INC) -D__ASSEMBLY__

guest-srcs := $(libdomus-srcs) $(kernel-srcs) $(libc-srcs) $(arch-srcs) \
	$(port-srcs)
guest-objs := $(patsubst %.S,$(OUT)/guest/%.o,\
	$(guest-srcs:%.c=$(OUT)/guest/%.o))
app-objs := $(app-srcs:%.c=$(OUT)/guest/%.o)

$(OUT)/guest/%.o: %.c | $(XEN_LINK)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(GUEST_CFLAGS) $(cflags-$<) -MMD -MP -c $< -o $@
$(OUT)/guest/%.o: %.S | $(XEN_LINK)
	@mkdir -p $(@D)
	$(call say,AS,$<)$(CC) $(GUEST_AFLAGS) -MMD -MP -c $< -o $@

# Third parties: unpatched sources, fewer warnings; each adds to guest-objs.
-include build/lwip.mk
-include build/e2fs.mk
# The link, the guest tests, make xen and make qemu.
-include build/image.mk

-include $(guest-objs:.o=.d) $(app-objs:.o=.d)
