# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers of lib/, and of the whole library under sim/.

f_bytering-srcs := tests/unit/trace.c

# The simulator is not what is fuzzed: its objects are those of the tests.
f_peer-sim := $(sim-srcs:%.c=$(OUT)/host/clang64/%.o) \
	$(OUT)/host/clang64/cmocka.o
f_peer-srcs = $(libdomus-srcs) $(f_peer-sim)
f_peer-cflags = -isystem $(CMOCKA)/include -w
f_peer-args := -len_control=0 -max_len=500 -detect_leaks=0
fuzz-f_peer: $(f_peer-sim)
f_netback-srcs = $(f_peer-srcs)
f_netback-cflags = $(f_peer-cflags)
f_netback-args = $(f_peer-args)
fuzz-f_netback: $(f_peer-sim)

unit-tests += t_scsi t_shm
t_scsi-srcs := lib/scsi.c lib/str.c

unit-tests += t_flow
t_flow-srcs := lib/flow.c
