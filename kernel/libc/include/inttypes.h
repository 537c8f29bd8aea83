/* SPDX-License-Identifier: BSD-2-Clause */
/* inttypes.h -- formats of the integers with a fixed width. */

#ifndef LIBC_INTTYPES_H
#define LIBC_INTTYPES_H

#include <stdint.h>

/* The compiler says which type it takes for 64 bits. */
#ifdef __LP64__
#define LIBC_PRI64	"l"
#define LIBC_PRIPTR	"l"
#else
#define LIBC_PRI64	"ll"
#define LIBC_PRIPTR	""
#endif

#define PRId8		"hhd"
#define PRIi8		"hhi"
#define PRIu8		"hhu"
#define PRIo8		"hho"
#define PRIx8		"hhx"
#define PRIX8		"hhX"
#define PRId16		"hd"
#define PRIi16		"hi"
#define PRIu16		"hu"
#define PRIo16		"ho"
#define PRIx16		"hx"
#define PRIX16		"hX"
#define PRId32		"d"
#define PRIi32		"i"
#define PRIu32		"u"
#define PRIo32		"o"
#define PRIx32		"x"
#define PRIX32		"X"
#define PRId64		LIBC_PRI64 "d"
#define PRIi64		LIBC_PRI64 "i"
#define PRIu64		LIBC_PRI64 "u"
#define PRIo64		LIBC_PRI64 "o"
#define PRIx64		LIBC_PRI64 "x"
#define PRIX64		LIBC_PRI64 "X"
#define PRIdMAX		PRId64
#define PRIuMAX		PRIu64
#define PRIxMAX		PRIx64
#define PRIdPTR		LIBC_PRIPTR "d"
#define PRIuPTR		LIBC_PRIPTR "u"
#define PRIxPTR		LIBC_PRIPTR "x"
#define PRIXPTR		LIBC_PRIPTR "X"

#endif /* LIBC_INTTYPES_H */
