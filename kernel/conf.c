/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.c -- see conf.h.  PV_CONFIG_<NAME> is defined for each option and
 * device of the configuration by the conf.h that tools/config makes.
 */

#include <conf.h>

#ifndef PV_CONFIG_IDENT
#define PV_CONFIG_IDENT "none"		/* a host test */
#endif

const char conf_ident[] = PV_CONFIG_IDENT;

#ifdef PV_CONFIG_NO_ADAPTIVE_MUTEXES
bool conf_adaptive_mutexes = false;
#else
bool conf_adaptive_mutexes = true;
#endif

#ifdef PV_CONFIG_NO_ADAPTIVE_RWLOCKS
bool conf_adaptive_rwlocks = false;
#else
bool conf_adaptive_rwlocks = true;
#endif

#ifdef PV_CONFIG_NO_ADAPTIVE_SX
bool conf_adaptive_sx = false;
#else
bool conf_adaptive_sx = true;
#endif
