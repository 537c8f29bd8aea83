# SPDX-License-Identifier: BSD-2-Clause
# Tests of core/ and xen/ without a simulated hypervisor.
unit-tests += t_xs_path t_dma t_xenpci t_xencpuid
t_xs_path-srcs := xen/xs_path.c lib/str.c
t_xenpci-srcs := xen/xenpci.c core/setting.c lib/str.c
t_xencpuid-srcs := lib/xencpuid.c
t_dma-srcs := core/dma.c core/dev.c lib/str.c
f_xs-srcs := xen/xs_ring.c xen/xs_watch.c xen/xs_path.c lib/idmap.c lib/str.c
