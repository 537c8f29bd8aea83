# SPDX-License-Identifier: BSD-2-Clause
# Every source of the project.  Plain lists, so that an embedder's build can
# read them: lib-srcs is all of libdomus but the port.

lib-srcs := \
	lib/flow.c lib/idmap.c lib/scsi.c lib/str.c lib/xencpuid.c \
	core/blk.c core/dev.c core/dma.c core/conf.c core/setting.c

xen-srcs := $(wildcard xen/*.c)

virtio-srcs := $(wildcard virtio/*.c)

dev-srcs := $(wildcard dev/*.c)

# PV_CONFIG_BLKFRONT and so on, for core/conf.c, which is compiled again when
# a driver comes or goes.  The library and the host tests have every driver;
# what the guest has its configuration says (build/conf.mk).
ALL_DRIVERS := $(shell echo $(dev-srcs:dev/%.c=-DPV_CONFIG_%) | tr a-z A-Z)
$(foreach d,lib host/gcc64 host/clang64 host/gcc32 host/clang32,\
	$(eval $(OUT)/$(d)/core/conf.o: $(dev-srcs)))

libdomus-srcs := $(lib-srcs) $(xen-srcs) $(virtio-srcs) $(dev-srcs)

# ---- the guest ---------------------------------------------------------------
kernel-srcs := $(wildcard kernel/*.c kernel/net/*.c kernel/fs/*.c \
	kernel/fwd/*.c)
libc-srcs := $(wildcard kernel/libc/*.c)
# memcpy must not become a call of memcpy.
cflags-kernel/libc/string.c := -fno-tree-loop-distribute-patterns
app-srcs := $(wildcard apps/*.c)
arch-srcs := $(filter-out arch/x86/bzimage.S,$(wildcard arch/x86/*.c \
	arch/x86/*.S arch/x86/pv/*.[cS] \
	arch/x86/hvm/*.[cS]))
port-srcs := port/guest/os.c

# ---- host tests --------------------------------------------------------------
# Each test is tests/<dir>/t_<name>.c; t_<name>-srcs names what it links
# beside itself, t_<name>-cflags what it needs to compile.
sim-srcs := $(wildcard sim/*.c) port/host/os.c tests/loop/loop.c \
	tests/loop/vloop.c tests/loop/back.c tests/loop/nback.c tests/loop/puppet.c

unit-tests := t_idmap t_ring t_bytering t_str t_list
t_idmap-srcs := lib/idmap.c
t_ring-srcs :=
t_bytering-srcs :=
t_str-srcs := lib/str.c
t_list-srcs :=
lock-parts := kernel/lock.c kernel/waitq.c kernel/sync.c kernel/spin.c \
	kernel/conf.c
include $(wildcard tests/unit/*.mk)

# Tests of the whole library against the simulated hypervisor.
sim-tests := $(basename $(notdir $(wildcard tests/loop/t_*.c tests/evil/t_*.c \
	tests/fail/t_*.c)))
