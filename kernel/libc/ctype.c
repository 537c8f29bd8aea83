/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctype.c -- classes of characters, ASCII only; and comparing without case.
 */

#include <ctype.h>
#include <strings.h>

int
isdigit(int ch)
{
	return ch >= '0' && ch <= '9';
}

int
islower(int ch)
{
	return ch >= 'a' && ch <= 'z';
}

int
isupper(int ch)
{
	return ch >= 'A' && ch <= 'Z';
}

int
isalpha(int ch)
{
	return islower(ch) || isupper(ch);
}

int
isalnum(int ch)
{
	return isalpha(ch) || isdigit(ch);
}

int
isxdigit(int ch)
{
	return isdigit(ch) || (ch >= 'a' && ch <= 'f') ||
	    (ch >= 'A' && ch <= 'F');
}

int
isblank(int ch)
{
	return ch == ' ' || ch == '\t';
}

int
isspace(int ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

int
iscntrl(int ch)
{
	return (ch >= 0 && ch < ' ') || ch == 0x7f;
}

int
isprint(int ch)
{
	return ch >= ' ' && ch < 0x7f;
}

int
isgraph(int ch)
{
	return ch > ' ' && ch < 0x7f;
}

int
ispunct(int ch)
{
	return isgraph(ch) && !isalnum(ch);
}

int
tolower(int ch)
{
	return isupper(ch) ? ch + ('a' - 'A') : ch;
}

int
toupper(int ch)
{
	return islower(ch) ? ch - ('a' - 'A') : ch;
}

int
strncasecmp(const char *a, const char *b, size_t len)
{
	int x, y;

	for (; len > 0; a++, b++, len--) {
		x = tolower((unsigned char)*a);
		y = tolower((unsigned char)*b);
		if (x != y || x == '\0')
			return x - y;
	}
	return 0;
}

int
strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, (size_t)-1);
}
