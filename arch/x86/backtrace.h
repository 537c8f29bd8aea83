/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backtrace.h -- who called, by frame pointers and the symbol table that the
 * second pass of the link puts into the image.
 */

#ifndef BACKTRACE_H
#define BACKTRACE_H

#include <pv/types.h>

/*
 * Print a pc and its callers.  sp is 0, or the stack pointer at pc.
 * Context: any.
 */
void	 backtrace_from(uintptr_t pc, uintptr_t fp, uintptr_t sp);

/*
 * The function that a pc is in, or NULL; *off is the distance to its start.
 * Context: any.
 */
const char *backtrace_symbol(uintptr_t pc, uintptr_t *off);

#endif /* BACKTRACE_H */
