/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c -- a line of commands as words; see words.h.
 *
 * A word only gets shorter when its quotes go, so it is written over itself.
 */

#include "words.h"

#include <string.h>

static bool
words_ends(char ch)
{
	return ch == '\0' || ch == ';' || ch == '\n';
}

static bool
words_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r';
}

/*
 * Copy a word from *inp to out, without its quotes.  *inp stands behind it
 * then.  Returns the end of the word, or NULL: a quote is not closed.
 */
static char *
words_copy(char **inp, char *out)
{
	char *in = *inp, quote = '\0';

	while (quote != '\0' || (!words_ends(*in) && !words_blank(*in))) {
		if (*in == '\0')
			return NULL;
		if (quote != '\0' && *in == quote) {
			quote = '\0';
			in++;
		} else if (quote == '\0' && (*in == '\'' || *in == '"')) {
			quote = *in++;
		} else {
			if (*in == '\\' && quote != '\'' && in[1] != '\0')
				in++;
			*out++ = *in++;
		}
	}
	*inp = in;
	return out;
}

int
words_next(char **textp, char **argv, int max)
{
	char *in = *textp, *end, stop = '\0';
	int n = 0;

	for (;;) {
		while (words_blank(*in))
			in++;
		if (*in == '#')
			in += strcspn(in, "\n");
		stop = *in;
		if (words_ends(stop))
			break;
		if (n == max)
			return WORDS_MANY;
		argv[n] = in;
		end = words_copy(&in, in);
		if (end == NULL)
			return WORDS_QUOTE;
		n++;
		stop = *in;
		*end = '\0';
		if (words_ends(stop))
			break;
		in++;
	}
	argv[n] = NULL;
	*textp = stop == '\0' ? NULL : in + 1;
	return n;
}
