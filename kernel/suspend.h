/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspend.h -- the domain is saved, or moves; see suspend.c.
 */

#ifndef SUSPEND_H
#define SUSPEND_H

#include <pv/types.h>

/*
 * As the toolstack asks: stop, and return when the domain goes on, wherever
 * that is.  0: it was resumed; 1: the toolstack changed its mind; -PV_E*: it
 * can not be now, which is told.  Context: a thread of its own.
 */
int	 suspend_run(void);
/* How often it was resumed.  Any. */
unsigned int suspend_count(void);

#endif /* SUSPEND_H */
