# SPDX-License-Identifier: BSD-2-Clause
# Flags that everything shares.

WARN := -Wall -Wextra -Wshadow -Wvla -Wcast-qual -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-unused-parameter -Werror

# Xen's and virtio's public headers, and nothing else of the directories they
# live in.
VIRTIO_INCLUDE ?= /usr/include
XEN_LINK := $(OUT)/include/xen
$(XEN_LINK):
	@test -e $(XEN_INCLUDE)/xen/xen.h || { echo "no Xen headers in" \
	    "$(XEN_INCLUDE): install libxen-dev or set XEN_INCLUDE=" >&2; exit 1; }
	@test -e $(VIRTIO_INCLUDE)/linux/virtio_ring.h || { echo "no virtio" \
	    "headers in $(VIRTIO_INCLUDE): install linux-libc-dev or set" \
	    "VIRTIO_INCLUDE=" >&2; exit 1; }
	@mkdir -p $(@D)
	@ln -sfn $(abspath $(VIRTIO_INCLUDE))/linux $(@D)/linux
	@ln -sfn $(abspath $(VIRTIO_INCLUDE))/asm-generic $(@D)/asm-generic
	@ln -sfn $(firstword $(wildcard $(abspath $(VIRTIO_INCLUDE))/asm \
	    $(abspath $(VIRTIO_INCLUDE))/*/asm)) $(@D)/asm
	@ln -sfn $(abspath $(XEN_INCLUDE))/xen $@

# Without a version Xen's headers give the numbers of its first release.
LIB_INC := -Iinclude -Ilib -Icore -Ixen -Ivirtio -Idev -isystem $(OUT)/include \
	-D__XEN_INTERFACE_VERSION__=0x00040d00
FREESTANDING := -std=c11 -ffreestanding -fno-common -Wframe-larger-than=512

# quiet rules: `make V=1` shows the commands
ifeq ($(V),)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2);
else
Q :=
say =
endif
