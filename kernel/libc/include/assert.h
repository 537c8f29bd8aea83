/* SPDX-License-Identifier: BSD-2-Clause */
/* assert.h -- an assertion that fails is a panic.  No guard: as in C. */

#undef assert
#ifdef NDEBUG
#define assert(e)	((void)0)
#else
_Noreturn void libc_assert(const char *what, const char *file, int line);
#define assert(e)	((e) ? (void)0 : libc_assert(#e, __FILE__, __LINE__))
#endif
#ifndef static_assert
#define static_assert	_Static_assert
#endif
