/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.h -- a line of commands as words.
 */

#ifndef WORDS_H
#define WORDS_H

#include <pv/types.h>

#define WORDS_QUOTE	(-1)		/* a quote is not closed */
#define WORDS_MANY	(-2)		/* more than max words */

/*
 * Cut the next command off *textp, up to ';', a newline or the end, into
 * words, in place.  '..' and ".." quote, a backslash quotes one character
 * outside of '..', '#' at the beginning of a word starts a comment.  Returns
 * how many words (0: an empty command), or WORDS_*; *textp is NULL when
 * nothing follows.  argv gets a NULL behind the last.  Context: any.
 */
int	 words_next(char **textp, char **argv, int max);

#endif /* WORDS_H */
