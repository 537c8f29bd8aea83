/* SPDX-License-Identifier: BSD-2-Clause */
/* t_libc.c -- kernel/libc against the C library of the host. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

/* The host's, before the names change. */
static void *(*const host_memmove)(void *, const void *, size_t) = memmove;
static int (*const host_memcmp)(const void *, const void *, size_t) = memcmp;
static int (*const host_strcmp)(const char *, const char *) = strcmp;
static char *(*const host_strstr)(const char *, const char *) = strstr;
static size_t (*const host_strspn)(const char *, const char *) = strspn;
static size_t (*const host_strcspn)(const char *, const char *) = strcspn;
static long (*const host_strtol)(const char *, char **, int) = strtol;
static unsigned long (*const host_strtoul)(const char *, char **, int) =
    strtoul;
static long long (*const host_strtoll)(const char *, char **, int) = strtoll;
static unsigned long long (*const host_strtoull)(const char *, char **, int) =
    strtoull;

static int
host_errno(int set)
{
	int was = errno;

	errno = set;
	return was;
}

#include "libc_names.h"

#include "../../kernel/libc/string.c"
#include "../../kernel/libc/ctype.c"
#include "../../kernel/libc/stdlib.c"

static int errno_word;

int *
our_errno(void)
{
	return &errno_word;
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
mem_all_offsets(void **state)
{
	static unsigned char a[256], b[256], from[256];
	size_t to, at, len, i;

	for (i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + 1);
	for (to = 0; to < 20; to++) {
		for (at = 0; at < 20; at++) {
			for (len = 0; len < 100; len++) {
				host_memmove(a, from, sizeof(a));
				host_memmove(b, from, sizeof(b));
				host_memmove(a + to, a + at, len);
				assert_ptr_equal(memmove(b + to, b + at, len),
				    b + to);
				assert_memory_equal(a, b, sizeof(a));
				memcpy(b + to, from + at, len);
				host_memmove(a + to, from + at, len);
				assert_memory_equal(a, b, sizeof(a));
			}
		}
	}
	(void)state;
}

static void
mem_set_and_compare(void **state)
{
	static unsigned char a[160], b[160];
	size_t at, len, i;

	for (at = 0; at < 16; at++) {
		for (len = 0; len < 100; len++) {
			for (i = 0; i < sizeof(a); i++)
				a[i] = b[i] = (unsigned char)i;
			memset(b + at, 0x1a5, len);
			for (i = at; i < at + len; i++)
				a[i] = 0xa5;
			assert_memory_equal(a, b, sizeof(a));
			b[at + len] ^= 0x80;
			assert_int_equal(memcmp(a + at, b + at, len), 0);
			assert_int_equal(sign(memcmp(a + at, b + at, len + 1)),
			    sign(host_memcmp(a + at, b + at, len + 1)));
			assert_ptr_equal(memchr(a, 0x100 | 0xa5, sizeof(a)),
			    len == 0 ? NULL : a + at);
		}
	}
	(void)state;
}

static void
str_pairs(void **state)
{
	static const char *const s[] = {
		"", "a", "b", "ab", "abc", "abd", "aab", "aabaab", "\xff",
		"AbC", "abcabcabd", "  x ", "-", "zz"
	};
	size_t i, j, n;
	char buf[64], buf2[64];

	for (i = 0; i < PV_NELEM(s); i++) {
		for (j = 0; j < PV_NELEM(s); j++) {
			assert_int_equal(sign(strcmp(s[i], s[j])),
			    sign(host_strcmp(s[i], s[j])));
			assert_ptr_equal(strstr(s[i], s[j]),
			    host_strstr(s[i], s[j]));
			assert_int_equal(strspn(s[i], s[j]),
			    host_strspn(s[i], s[j]));
			assert_int_equal(strcspn(s[i], s[j]),
			    host_strcspn(s[i], s[j]));
			for (n = 0; n < 4; n++) {
				assert_int_equal(strncmp(s[i], s[j], n) == 0,
				    strnlen(s[i], n) == strnlen(s[j], n) &&
				    host_memcmp(s[i], s[j],
				    strnlen(s[i], n)) == 0);
			}
			strcpy(buf, s[i]);
			strcat(buf, s[j]);
			snprintf(buf2, sizeof(buf2), "%s%s", s[i], s[j]);
			assert_string_equal(buf, buf2);
			strcpy(buf, s[i]);
			strncat(buf, s[j], 2);
			snprintf(buf2, sizeof(buf2), "%s%.2s", s[i], s[j]);
			assert_string_equal(buf, buf2);
		}
	}
	(void)state;
}

static void
str_single(void **state)
{
	char buf[8], text[] = ",a,,bc,", *save, *copy;

	assert_string_equal(strchr("hello", 'l'), "llo");
	assert_string_equal(strrchr("hello", 'l'), "lo");
	assert_string_equal(strchr("hello", '\0'), "");
	assert_string_equal(strrchr("hello", '\0'), "");
	assert_null(strchr("hello", 'z'));
	assert_null(strrchr("hello", 'z'));
	assert_string_equal(strpbrk("hello", "xol"), "llo");
	assert_null(strpbrk("hello", "xyz"));
	host_memmove(buf, "ZZZZZZZ", 8);
	strncpy(buf, "ab", 5);
	assert_memory_equal(buf, "ab\0\0\0ZZ", 8);
	strncpy(buf, "abcdefgh", 3);
	assert_memory_equal(buf, "abc\0\0ZZ", 8);
	assert_string_equal(strtok_r(text, ",", &save), "a");
	assert_string_equal(strtok_r(NULL, ",", &save), "bc");
	assert_null(strtok_r(NULL, ",", &save));
	assert_null(strtok_r(NULL, ",", &save));
	copy = strndup("hello", 3);
	assert_string_equal(copy, "hel");
	free(copy);
	assert_int_equal(strcasecmp("HeLLo", "hEllO"), 0);
	assert_true(strcasecmp("a", "B") < 0);
	assert_true(strcasecmp("abc", "AB") > 0);
	assert_int_equal(strncasecmp("abX", "ABy", 2), 0);
	(void)state;
}

static void
ctype_ascii(void **state)
{
	int ch;

	for (ch = 0; ch < 128; ch++) {
		assert_int_equal(!!isalnum(ch), !!(isdigit(ch) || isalpha(ch)));
		assert_int_equal(!!isspace(ch), strchr(" \t\n\v\f\r", ch) !=
		    NULL && ch != 0);
		assert_int_equal(!!isprint(ch), ch >= 32 && ch < 127);
		assert_int_equal(!!iscntrl(ch), !isprint(ch));
		assert_int_equal(!!isgraph(ch), isprint(ch) && ch != ' ');
		assert_int_equal(!!ispunct(ch), isgraph(ch) && !isalnum(ch));
		assert_int_equal(isupper(tolower(ch)), 0);
		assert_int_equal(islower(toupper(ch)), 0);
		assert_int_equal(!!isxdigit(ch), ch != 0 &&
		    strchr("0123456789abcdefABCDEF", ch) != NULL);
	}
	assert_int_equal(isalpha(0xe4), 0);
	assert_int_equal(toupper(-1), -1);
	(void)state;
}

#define SAME_NUM(fn, s, base) do {					\
	char *e1, *e2;							\
									\
	host_errno(0);							\
	errno_word = 0;							\
	assert_true(fn(s, &e1, base) == host_##fn(s, &e2, base));	\
	assert_ptr_equal(e1, e2);					\
	/* The host calls "no digits" an error of its own. */		\
	if (e1 != (s))							\
		assert_int_equal(errno_word, host_errno(0));		\
} while (0)

static void
num_like_host(void **state)
{
	static const char *const s[] = {
		"", "0", "-0", "+5", "42x", "  \t12", "0x", "0x1F", "0xg",
		"-0x10", "077", "08", "zz", "-", "+-1", "2147483647",
		"2147483648", "-2147483648", "-2147483649", "4294967295",
		"4294967296", "-4294967295", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615",
		"18446744073709551616", "-18446744073709551615",
		"99999999999999999999999", "-99999999999999999999999", "1 2"
	};
	static const int base[] = { 0, 2, 8, 10, 16, 36 };
	size_t i, j;

	for (i = 0; i < PV_NELEM(s); i++) {
		for (j = 0; j < PV_NELEM(base); j++) {
			SAME_NUM(strtol, s[i], base[j]);
			SAME_NUM(strtoul, s[i], base[j]);
			SAME_NUM(strtoll, s[i], base[j]);
			SAME_NUM(strtoull, s[i], base[j]);
		}
	}
	assert_int_equal(atoi(" -17 apples"), -17);
	assert_int_equal(atol("123456"), 123456);
	assert_int_equal(abs(-3) + labs(-4L), 7);
	(void)state;
}

static int
by_first(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

static void
sort_and_search(void **state)
{
	unsigned char v[300][3], key[3] = { 0 };
	unsigned int n, size, round, i, sum, seen;

	srand(3);
	for (round = 0; round < 300; round++) {
		n = round;
		size = 3;
		for (i = 0, sum = 0; i < n; i++) {
			v[i][0] = (unsigned char)(rand() % (1 + round));
			v[i][1] = (unsigned char)(v[i][0] ^ 0x55);
			v[i][2] = (unsigned char)rand();
			sum += v[i][2];
		}
		qsort(v, n, size, by_first);
		for (i = 0, seen = 0; i < n; i++) {
			assert_true(i == 0 || v[i - 1][0] <= v[i][0]);
			assert_int_equal(v[i][1], v[i][0] ^ 0x55);
			seen += v[i][2];
		}
		assert_int_equal(sum, seen);
		for (i = 0; i < 256; i++) {
			const unsigned char *hit;
			unsigned int j;

			key[0] = (unsigned char)i;
			hit = bsearch(key, v, n, size, by_first);
			for (j = 0; j < n && v[j][0] != i; j++)
				continue;
			assert_int_equal(hit != NULL, j < n);
			assert_true(hit == NULL || hit[0] == i);
		}
	}
	(void)state;
}

static void
ends(void **state)
{
	shim_reset();
	assert_null(getenv("HOME"));
	expect_assert_failure(abort());
	expect_assert_failure(exit(3));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mem_all_offsets),
		cmocka_unit_test(mem_set_and_compare),
		cmocka_unit_test(str_pairs),
		cmocka_unit_test(str_single),
		cmocka_unit_test(ctype_ascii),
		cmocka_unit_test(num_like_host),
		cmocka_unit_test(sort_and_search),
		cmocka_unit_test(ends)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
