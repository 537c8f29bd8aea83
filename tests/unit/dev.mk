# SPDX-License-Identifier: BSD-2-Clause
# Tests that include a driver's files and link the rest of the library.

unit-tests += t_blkfront_pure t_netfront_pure
t_blkfront_pure-srcs := $(filter-out dev/blkfront%,$(libdomus-srcs)) $(sim-srcs)
t_blkfront_pure-cflags := -I.
t_netfront_pure-srcs := $(sim-srcs) \
	$(filter-out dev/netfront_rx.c dev/netfront_tx.c,$(libdomus-srcs))
t_netfront_pure-cflags := -I.

unit-tests += t_blkback_pure
t_blkback_pure-srcs := dev/blkback_req.c lib/str.c

unit-tests += t_setting
t_setting-srcs := core/setting.c lib/str.c

unit-tests += t_netback_pure
t_netback_pure-srcs := $(sim-srcs) $(libdomus-srcs)
