/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmdline.h -- settings from the kernel command line: words of the form
 * key=value or key, separated by blanks; a value may be in double quotes.
 */

#ifndef CMDLINE_H
#define CMDLINE_H

#include <pv/types.h>

void	 cmdline_init(const char *text);
/*
 * The value of a key ("" for a bare key), or NULL.  A key that is never
 * asked for is reported by cmdline_check().
 */
const char *cmdline_get(const char *key);
const char *cmdline_setting(const char *key);
const char *cmdline_nth(const char *key, unsigned int n);
bool	 cmdline_bool(const char *key, bool dflt);	/* 1 0 yes no on off */
/* A decimal number within lo..hi; out of range or not a number: a warning
   that names the key, and dflt. */
uint64_t cmdline_num(const char *key, uint64_t lo, uint64_t hi, uint64_t dflt);
/* Warn about each key nobody knows, with the list of those known. */
void	 cmdline_check(void);

#endif /* CMDLINE_H */
