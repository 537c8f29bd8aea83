# SPDX-License-Identifier: BSD-2-Clause
# Tests of disks, partitions, files and the shell's line.

unit-tests += t_fs t_fs_punch t_disk t_disk_queue t_path t_part t_line
t_fs-srcs := tests/unit/fs_shim.c kernel/file.c kernel/path.c \
	$(filter-out kernel/fs/fs_root.c kernel/fs/sum.c,\
	$(wildcard kernel/fs/*.c))
# Images are made and checked by e2fsprogs: one width will do.
t_fs-variants := gcc64 clang64
t_fs_punch-srcs := $(t_fs-srcs)
t_fs_punch-variants := gcc64 clang64
t_disk-srcs := kernel/disk.c kernel/disk_queue.c kernel/disk_submit.c \
	kernel/disk_part.c \
	kernel/part.c tests/unit/shim.c kernel/sched.c \
	kernel/thread.c \
	$(lock-parts) kernel/time.c kernel/mm.c kernel/mm_heap.c \
	kernel/printf.c
t_disk_queue-srcs := kernel/disk_queue.c
t_path-srcs := kernel/path.c
t_part-srcs := kernel/part.c
t_line-srcs := apps/line.c apps/words.c kernel/printf.c tests/unit/shim.c \
	kernel/spin.c
t_line-cflags := -Iapps
hostflags-apps/line.c := -Iapps

f_part-srcs := kernel/part.c
