# SPDX-License-Identifier: BSD-2-Clause
# Tests of the guest kernel's own parts, on the machine that shim.c plays.

unit-tests += t_printf t_mm t_sched t_cmdline t_ktime t_libc t_klog t_tty t_lock
unit-tests += t_lend
t_lend-srcs := tests/unit/shim.c kernel/printf.c kernel/spin.c
t_printf-srcs := tests/unit/shim.c kernel/printf.c
t_mm-srcs := tests/unit/shim.c kernel/spin.c
sched-parts := tests/unit/shim.c kernel/sched.c kernel/thread.c $(lock-parts) \
	kernel/time.c kernel/mm.c kernel/mm_heap.c kernel/printf.c
t_sched-srcs := $(sched-parts)
# It measures its stack: none of it may be elsewhere.
t_sched-cflags := -fno-sanitize=address
t_cmdline-srcs := tests/unit/shim.c kernel/cmdline.c kernel/printf.c kernel/spin.c
t_ktime-srcs := tests/unit/shim.c kernel/time.c kernel/printf.c kernel/spin.c
t_libc-srcs := tests/unit/shim.c
t_libc-cflags := -fno-builtin
t_klog-srcs := tests/unit/shim.c kernel/klog.c kernel/printf.c kernel/spin.c
t_tty-srcs := kernel/tty.c $(sched-parts)
t_lock-srcs := $(lock-parts)
# pthread.h wants the system's <sched.h>, and would find the kernel's.
t_lock-cflags := -include /usr/include/sched.h
t_lock-libs := -pthread
tsan-tests += t_lock

unit-tests += t_pcihot
t_pcihot-srcs := arch/x86/hvm/acpi.c $(wildcard arch/x86/hvm/pcihot_*.c)
t_pcihot-cflags := -I.
