# SPDX-License-Identifier: BSD-2-Clause
# Tests of disks, partitions, files and the shell's line.

unit-tests += t_fs
t_fs-srcs := tests/unit/fs_shim.c kernel/file.c kernel/path.c \
	$(filter-out kernel/fs/fs_root.c kernel/fs/sum.c,\
	$(wildcard kernel/fs/*.c))
# Images are made and checked by e2fsprogs: one compiler each will do.
t_fs-variants := gcc64 clang64
