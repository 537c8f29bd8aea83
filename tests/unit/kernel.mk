# SPDX-License-Identifier: BSD-2-Clause
# Tests of the guest kernel's own parts, on the machine that shim.c plays.

unit-tests += t_printf t_mm
t_printf-srcs := tests/unit/shim.c kernel/printf.c
t_mm-srcs := tests/unit/shim.c kernel/spin.c
