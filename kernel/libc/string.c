/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c -- memory and strings, as ISO C and POSIX have them.
 *
 * The mem* functions move 32 bytes a turn in plain words of any alignment,
 * which x86 does at full speed, and which costs less than string
 * instructions when the machine is emulated.  Compiled without the
 * optimisation that turns such loops into calls of memcpy and memset.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A word at any address, of whatever type the bytes there are. */
typedef uint64_t string_word
    __attribute__((__may_alias__, __aligned__(1)));

#define STRING_W	sizeof(string_word)

void *
memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	unsigned char *d = dst;
	const unsigned char *s = src;
	string_word a, b, c, e;

	for (; len >= 4 * STRING_W; len -= 4 * STRING_W) {
		a = *(const string_word *)(const void *)s;
		b = *(const string_word *)(const void *)(s + STRING_W);
		c = *(const string_word *)(const void *)(s + 2 * STRING_W);
		e = *(const string_word *)(const void *)(s + 3 * STRING_W);
		*(string_word *)(void *)d = a;
		*(string_word *)(void *)(d + STRING_W) = b;
		*(string_word *)(void *)(d + 2 * STRING_W) = c;
		*(string_word *)(void *)(d + 3 * STRING_W) = e;
		s += 4 * STRING_W;
		d += 4 * STRING_W;
	}
	for (; len >= STRING_W; len -= STRING_W) {
		*(string_word *)(void *)d =
		    *(const string_word *)(const void *)s;
		s += STRING_W;
		d += STRING_W;
	}
	for (; len > 0; len--)
		*d++ = *s++;
	return dst;
}

/* From the end down, for a destination above the source. */
static void
string_copy_down(unsigned char *d, const unsigned char *s, size_t len)
{
	for (; len >= STRING_W; len -= STRING_W)
		*(string_word *)(void *)(d + len - STRING_W) =
		    *(const string_word *)(const void *)(s + len - STRING_W);
	for (; len > 0; len--)
		d[len - 1] = s[len - 1];
}

static void
string_copy_up(unsigned char *d, const unsigned char *s, size_t len)
{
	for (; len >= STRING_W; len -= STRING_W) {
		*(string_word *)(void *)d =
		    *(const string_word *)(const void *)s;
		s += STRING_W;
		d += STRING_W;
	}
	for (; len > 0; len--)
		*d++ = *s++;
}

void *
memmove(void *dst, const void *src, size_t len)
{
	if ((uintptr_t)dst - (uintptr_t)src >= len)
		string_copy_up(dst, src, len);
	else
		string_copy_down(dst, src, len);
	return dst;
}

void *
memset(void *dst, int ch, size_t len)
{
	string_word w = (unsigned char)ch * 0x0101010101010101ull;
	unsigned char *d = dst;

	for (; len >= 4 * STRING_W; len -= 4 * STRING_W) {
		*(string_word *)(void *)d = w;
		*(string_word *)(void *)(d + STRING_W) = w;
		*(string_word *)(void *)(d + 2 * STRING_W) = w;
		*(string_word *)(void *)(d + 3 * STRING_W) = w;
		d += 4 * STRING_W;
	}
	for (; len > 0; len--)
		*d++ = (unsigned char)ch;
	return dst;
}

int
memcmp(const void *left, const void *right, size_t len)
{
	const unsigned char *a = left, *b = right;

	for (; len >= STRING_W; len -= STRING_W) {
		if (*(const string_word *)(const void *)a !=
		    *(const string_word *)(const void *)b)
			break;
		a += STRING_W;
		b += STRING_W;
	}
	for (; len > 0; len--, a++, b++) {
		if (*a != *b)
			return *a - *b;
	}
	return 0;
}

void *
memchr(const void *src, int ch, size_t len)
{
	const unsigned char *s = src;

	for (; len > 0; len--, s++) {
		if (*s == (unsigned char)ch)
			return (void *)(uintptr_t)s;
	}
	return NULL;
}

size_t
strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len] != '\0')
		len++;
	return len;
}

int
strcmp(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++)
		continue;
	return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t len)
{
	for (; len > 0 && *a != '\0' && *a == *b; a++, b++, len--)
		continue;
	return len == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

char *
strcpy(char *restrict dst, const char *restrict src)
{
	memcpy(dst, src, strlen(src) + 1);
	return dst;
}

char *
strncpy(char *restrict dst, const char *restrict src, size_t size)
{
	size_t len = strnlen(src, size);

	memcpy(dst, src, len);
	memset(dst + len, 0, size - len);
	return dst;
}

char *
strcat(char *restrict dst, const char *restrict src)
{
	strcpy(dst + strlen(dst), src);
	return dst;
}

char *
strncat(char *restrict dst, const char *restrict src, size_t max)
{
	size_t len = strnlen(src, max);
	char *end = dst + strlen(dst);

	memcpy(end, src, len);
	end[len] = '\0';
	return dst;
}

char *
strchr(const char *s, int ch)
{
	for (;; s++) {
		if (*s == (char)ch)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int ch)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)ch)
			found = s;
		if (*s == '\0')
			return (char *)(uintptr_t)found;
	}
}

char *
strstr(const char *hay, const char *needle)
{
	size_t len = strlen(needle);

	for (;; hay++) {
		if (strncmp(hay, needle, len) == 0)
			return (char *)(uintptr_t)hay;
		if (*hay == '\0')
			return NULL;
	}
}

/* How far s consists of bytes that are (or are not) in set. */
static size_t
string_span(const char *s, const char *set, int in)
{
	size_t len = 0;

	while (s[len] != '\0' && (strchr(set, s[len]) != NULL) == in)
		len++;
	return len;
}

size_t
strspn(const char *s, const char *set)
{
	return string_span(s, set, 1);
}

size_t
strcspn(const char *s, const char *set)
{
	return string_span(s, set, 0);
}

char *
strpbrk(const char *s, const char *set)
{
	s += strcspn(s, set);
	return *s == '\0' ? NULL : (char *)(uintptr_t)s;
}

char *
strtok_r(char *restrict s, const char *restrict set, char **restrict save)
{
	char *word = s != NULL ? s : *save;

	word += strspn(word, set);
	*save = word + strcspn(word, set);
	if (*word == '\0')
		return NULL;
	if (**save != '\0')
		*(*save)++ = '\0';
	return word;
}

char *
strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
strdup(const char *s)
{
	return strndup(s, strlen(s));
}
