/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * klog.h -- formatted output: the log ring, the console, and memory.
 *
 * Log lines go into a ring that the shell's `log` shows, and to the console
 * (level <= klog_console_level; loglevel=NAME on the command line, quiet=1 for
 * loglevel=err).  Before the tty has a device, and from
 * panic, they go out through arch_early_write().
 */

#ifndef KLOG_H
#define KLOG_H

#include <pv/os.h>

extern enum pv_loglevel klog_console_level;
/* err, warn, info or debug; false: none of these.  NULL of none. */
bool	 klog_set_level(const char *name);
const char *klog_level_name(enum pv_loglevel);

void	 klog(enum pv_loglevel, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
void	 vklog(enum pv_loglevel, const char *fmt, va_list)
	    __attribute__((__format__(__printf__, 2, 0)));
/* Copy the ring's text, oldest first, from byte *pos on; 0 at the end. */
size_t	 klog_read(uint64_t *pos, char *buf, size_t size);

/* Console output of programs and the shell: no level, no time stamp. */
void	 kprintf(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/* "PANIC: msg", registers where known, backtrace; then arch_crash(). */
void	 panic_begin(void);		/* last words: who may say them; any */
_Noreturn void panic(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

#endif /* KLOG_H */
