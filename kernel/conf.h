/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h -- what the configuration of this kernel says (conf/, domus.conf(5)),
 * for code that asks at run time.
 */

#ifndef CONF_H
#define CONF_H

#include <pv/types.h>

extern const char conf_ident[];		/* "GENERIC" */

/* Does a thread that waits for such a lock spin while the holder runs? */
extern bool conf_adaptive_mutexes, conf_adaptive_rwlocks, conf_adaptive_sx;

#endif /* CONF_H */
