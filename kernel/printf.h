/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf.h -- formatting, and the way out for early and last words.
 *
 * Conversions: d i u x X o c s p %, with the flags - + space 0 #, width and
 * precision (also *), and the modifiers hh h l ll z j t.  No floating point,
 * no %n.  An unknown conversion is copied as it stands.
 */

#ifndef PRINTF_H
#define PRINTF_H

#include <pv/types.h>

/*
 * Where formatted text goes, piece by piece.
 */
struct printf_sink {
	void	(*ps_put)(struct printf_sink *, const char *, size_t);
};

/* Format into a sink; returns the number of bytes.  Context: any. */
size_t	 printf_sink(struct printf_sink *, const char *fmt, va_list)
	    __attribute__((__format__(__printf__, 2, 0)));

/*
 * Format into size bytes of buf, always terminated when size is not 0.
 * Returns the length that the whole text has.  Context: any.
 */
size_t	 printf_vformat(char *buf, size_t size, const char *fmt, va_list)
	    __attribute__((__format__(__printf__, 3, 0)));
size_t	 printf_format(char *buf, size_t size, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/* Straight to arch_early_write(), no lock taken.  Context: any. */
void	 printf_early(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

#endif /* PRINTF_H */
