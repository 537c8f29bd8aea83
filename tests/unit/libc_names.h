/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libc_names.h -- our C library under other names, beside the host's.
 *
 * Included before our sources: first the host's headers, then each name of
 * ours is redefined and declared.
 */

#ifndef LIBC_NAMES_H
#define LIBC_NAMES_H

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int *our_errno(void);
#undef errno
#define errno (*our_errno())

/* The host has these as macros too. */
#undef isalnum
#undef isalpha
#undef isblank
#undef iscntrl
#undef isdigit
#undef isgraph
#undef islower
#undef isprint
#undef ispunct
#undef isspace
#undef isupper
#undef isxdigit
#undef tolower
#undef toupper
#undef EXIT_SUCCESS
#undef EXIT_FAILURE
#undef RAND_MAX

#define memcpy		our_memcpy
#define memmove		our_memmove
#define memset		our_memset
#define memcmp		our_memcmp
#define memchr		our_memchr
#define strlen		our_strlen
#define strnlen		our_strnlen
#define strcmp		our_strcmp
#define strncmp		our_strncmp
#define strcpy		our_strcpy
#define strncpy		our_strncpy
#define strcat		our_strcat
#define strncat		our_strncat
#define strchr		our_strchr
#define strrchr		our_strrchr
#define strstr		our_strstr
#define strspn		our_strspn
#define strcspn		our_strcspn
#define strpbrk		our_strpbrk
#define strtok_r	our_strtok_r
#define strdup		our_strdup
#define strndup		our_strndup
#define strcasecmp	our_strcasecmp
#define strncasecmp	our_strncasecmp
#define isalnum		our_isalnum
#define isalpha		our_isalpha
#define isblank		our_isblank
#define iscntrl		our_iscntrl
#define isdigit		our_isdigit
#define isgraph		our_isgraph
#define islower		our_islower
#define isprint		our_isprint
#define ispunct		our_ispunct
#define isspace		our_isspace
#define isupper		our_isupper
#define isxdigit	our_isxdigit
#define tolower		our_tolower
#define toupper		our_toupper
#define atoi		our_atoi
#define atol		our_atol
#define strtol		our_strtol
#define strtoll		our_strtoll
#define strtoul		our_strtoul
#define strtoull	our_strtoull
#define abs		our_abs
#define labs		our_labs
#define qsort		our_qsort
#define bsearch		our_bsearch
#define getenv		our_getenv
#define abort		our_abort
#define exit		our_exit

/* The declarations are ours too, under the new names. */
#include "../../kernel/libc/include/string.h"
#include "../../kernel/libc/include/strings.h"
#include "../../kernel/libc/include/ctype.h"
#include "../../kernel/libc/include/stdlib.h"

#endif /* LIBC_NAMES_H */
