/* SPDX-License-Identifier: BSD-2-Clause */
/* stdlib.h -- memory, numbers, sorting. */

#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS	0
#define EXIT_FAILURE	1
#define RAND_MAX	0x7fffffff

void	*malloc(size_t);
void	*calloc(size_t, size_t);
void	*realloc(void *, size_t);
void	 free(void *);
int	 posix_memalign(void **, size_t align, size_t);

int	 atoi(const char *);
long	 atol(const char *);
long	 strtol(const char *restrict, char **restrict, int base);
long long strtoll(const char *restrict, char **restrict, int base);
unsigned long strtoul(const char *restrict, char **restrict, int base);
unsigned long long strtoull(const char *restrict, char **restrict, int base);

int	 abs(int);
long	 labs(long);
int	 rand(void);
void	 srand(unsigned int);
long	 random(void);
void	 srandom(unsigned int);

void	 qsort(void *, size_t n, size_t size,
	    int (*)(const void *, const void *));
void	*bsearch(const void *key, const void *, size_t n, size_t size,
	    int (*)(const void *, const void *));

char	*getenv(const char *);		/* there is no environment */
_Noreturn void abort(void);		/* a panic */
_Noreturn void exit(int);		/* a panic too: nothing may exit */

#endif /* LIBC_STDLIB_H */
