/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.h -- editing a line of text on a terminal.
 *
 * The caller feeds bytes and prints what comes out; nothing here waits,
 * allocates or knows where bytes come from.
 *
 *	left right ^B ^F	one character	 ^A ^E home end	to the ends
 *	backspace ^H delete ^D	remove one	 ^W		a word
 *	^K ^U			to the end, to the beginning
 *	up down ^P ^N		lines entered before
 *	tab			complete the first word
 *	^C			give the line up	^L	draw it again
 */

#ifndef LINE_H
#define LINE_H

#include <pv/types.h>

#define LINE_SIZE	256		/* bytes of a line, with its NUL */
#define LINE_NHIST	16

enum line_event {
	LINE_MORE,			/* go on */
	LINE_DONE,			/* ln_text is complete */
	LINE_STOP,			/* ^C: there is none */
	LINE_END			/* ^D on an empty line */
};

struct line {
	/* Set by the caller, before the first line_begin(). */
	const char	*ln_prompt;
	void		(*ln_put)(const char *buf, size_t len);
	/* The n-th word to complete to, or NULL. */
	const char	*(*ln_word)(unsigned int n);
	/* The line. */
	char		 ln_text[LINE_SIZE];
	size_t		 ln_len, ln_pos;
	/* The rest belongs to line.c. */
	unsigned int	 ln_esc;	/* in an escape sequence */
	unsigned int	 ln_num;	/* its number */
	unsigned int	 ln_nhist, ln_hist;	/* entered; shown now */
	char		 ln_old[LINE_NHIST][LINE_SIZE];
};

/* Show the prompt for a new line. */
void	 line_begin(struct line *);
/* Take a byte.  Context: any, one at a time. */
enum line_event line_input(struct line *, int ch);

#endif /* LINE_H */
