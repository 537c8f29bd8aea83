# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers of lib/.

f_bytering-srcs := tests/unit/trace.c
