/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdlib.c -- numbers, sorting, searching, and the ends that are none.
 */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <klog.h>

/* A number as the strto* functions read it. */
struct stdlib_num {
	unsigned long long nm_mag;	/* ULLONG_MAX when nm_over */
	bool		 nm_neg, nm_over;
};

static int
stdlib_digit(int ch)
{
	if (isdigit(ch))
		return ch - '0';
	return isalpha(ch) ? tolower(ch) - 'a' + 10 : INT_MAX;
}

/* Skip 0x where base allows it and a digit follows; returns the base. */
static int
stdlib_base(const char **sp, int base)
{
	const char *s = *sp;

	if ((base == 0 || base == 16) && s[0] == '0' &&
	    (s[1] == 'x' || s[1] == 'X') && isxdigit((unsigned char)s[2])) {
		*sp += 2;
		return 16;
	}
	if (base != 0)
		return base;
	return s[0] == '0' ? 8 : 10;
}

static void
stdlib_parse(struct stdlib_num *nm, const char *start, char **end, int base)
{
	const char *s = start, *first;
	unsigned long long max = ULLONG_MAX;
	int digit;

	nm->nm_mag = 0;
	nm->nm_over = false;
	while (isspace((unsigned char)*s))
		s++;
	nm->nm_neg = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	base = stdlib_base(&s, base);
	for (first = s; (digit = stdlib_digit((unsigned char)*s)) < base; s++) {
		if (nm->nm_mag > (max - (unsigned int)digit) /
		    (unsigned int)base)
			nm->nm_over = true;
		nm->nm_mag = nm->nm_mag * (unsigned int)base +
		    (unsigned int)digit;
	}
	if (nm->nm_over)
		nm->nm_mag = max;
	if (end != NULL)
		*end = (char *)(uintptr_t)(s == first ? start : s);
}

static unsigned long long
stdlib_unsigned(const char *s, char **end, int base, unsigned long long max)
{
	struct stdlib_num nm;

	stdlib_parse(&nm, s, end, base);
	if (nm.nm_over || nm.nm_mag > max) {
		errno = ERANGE;
		return max;
	}
	return nm.nm_neg ? (0 - nm.nm_mag) & max : nm.nm_mag;
}

static long long
stdlib_signed(const char *s, char **end, int base, long long max)
{
	struct stdlib_num nm;
	unsigned long long limit;

	stdlib_parse(&nm, s, end, base);
	limit = (unsigned long long)max + nm.nm_neg;
	if (nm.nm_over || nm.nm_mag > limit) {
		errno = ERANGE;
		nm.nm_mag = limit;
	}
	return (long long)(nm.nm_neg ? 0 - nm.nm_mag : nm.nm_mag);
}

unsigned long long
strtoull(const char *restrict s, char **restrict end, int base)
{
	return stdlib_unsigned(s, end, base, ULLONG_MAX);
}

unsigned long
strtoul(const char *restrict s, char **restrict end, int base)
{
	return (unsigned long)stdlib_unsigned(s, end, base, ULONG_MAX);
}

long long
strtoll(const char *restrict s, char **restrict end, int base)
{
	return stdlib_signed(s, end, base, LLONG_MAX);
}

long
strtol(const char *restrict s, char **restrict end, int base)
{
	return (long)stdlib_signed(s, end, base, LONG_MAX);
}

long
atol(const char *s)
{
	return strtol(s, NULL, 10);
}

int
atoi(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

int
abs(int n)
{
	return n < 0 ? -n : n;
}

long
labs(long n)
{
	return n < 0 ? -n : n;
}

static void
stdlib_swap(unsigned char *a, unsigned char *b, size_t size)
{
	unsigned char tmp;

	for (; size > 0; size--, a++, b++) {
		tmp = *a;
		*a = *b;
		*b = tmp;
	}
}

/* Let the element at i sink until no child is larger. */
static void
stdlib_sink(unsigned char *base, size_t i, size_t n, size_t size,
    int (*cmp)(const void *, const void *))
{
	size_t child;

	for (; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && cmp(base + child * size,
		    base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		stdlib_swap(base + i * size, base + child * size, size);
	}
}

/* A heap sort: no recursion, and no input that is slow. */
void
qsort(void *array, size_t n, size_t size,
    int (*cmp)(const void *, const void *))
{
	unsigned char *base = array;
	size_t i;

	for (i = n / 2; i-- > 0;)
		stdlib_sink(base, i, n, size, cmp);
	for (; n > 1; n--) {
		stdlib_swap(base, base + (n - 1) * size, size);
		stdlib_sink(base, 0, n - 1, size, cmp);
	}
}

void *
bsearch(const void *key, const void *array, size_t n, size_t size,
    int (*cmp)(const void *, const void *))
{
	const unsigned char *base = array, *mid;
	int order;

	while (n > 0) {
		mid = base + n / 2 * size;
		order = cmp(key, mid);
		if (order == 0)
			return (void *)(uintptr_t)mid;
		if (order > 0) {
			base = mid + size;
			n--;
		}
		n /= 2;
	}
	return NULL;
}

char *
getenv(const char *name)
{
	(void)name;
	return NULL;
}

_Noreturn void
abort(void)
{
	panic("abort");
}

_Noreturn void
exit(int status)
{
	panic("exit(%d)", status);
}

/* libc_assert -- what assert() calls when it does not hold */
_Noreturn void libc_assert(const char *what, const char *file, int line);

_Noreturn void
libc_assert(const char *what, const char *file, int line)
{
	panic("assertion %s failed, %s:%d", what, file, line);
}
