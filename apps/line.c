/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.c -- editing a line of text on a terminal; see line.h.
 *
 * After each change the line is drawn anew: to the left edge, prompt, text,
 * erase what is behind it, and back to the cursor's place.  Only typing at
 * the end is echoed as it is.  A terminal that knows ESC [ K and ESC [ n D
 * (all of them) will do.
 */

#include "line.h"

#include <printf.h>
#include <string.h>

#define CTRL(c)		((c) & 0x1f)
#define LINE_ESC	0x1b
#define LINE_DEL	0x7f

/* ---- drawing ----------------------------------------------------------- */

static void
line_puts(struct line *ln, const char *s)
{
	ln->ln_put(s, strlen(s));
}

static void
line_draw(struct line *ln)
{
	char back[16];

	line_puts(ln, "\r");
	line_puts(ln, ln->ln_prompt);
	ln->ln_put(ln->ln_text, ln->ln_len);
	line_puts(ln, "\033[K");
	if (ln->ln_pos < ln->ln_len) {
		printf_format(back, sizeof(back), "\033[%uD",
		    (unsigned int)(ln->ln_len - ln->ln_pos));
		line_puts(ln, back);
	}
}

void
line_begin(struct line *ln)
{
	ln->ln_len = ln->ln_pos = 0;
	ln->ln_text[0] = '\0';
	ln->ln_esc = 0;
	ln->ln_hist = ln->ln_nhist;
	line_draw(ln);
}

/* ---- changing ---------------------------------------------------------- */

static void
line_insert(struct line *ln, char ch)
{
	if (ln->ln_len + 1 >= LINE_SIZE) {
		line_puts(ln, "\a");
		return;
	}
	memmove(ln->ln_text + ln->ln_pos + 1, ln->ln_text + ln->ln_pos,
	    ln->ln_len - ln->ln_pos + 1);
	ln->ln_text[ln->ln_pos++] = ch;
	ln->ln_len++;
	if (ln->ln_pos == ln->ln_len)
		ln->ln_put(&ch, 1);
	else
		line_draw(ln);
}

/* Remove from `from' up to the byte before `to'; the cursor goes there. */
static void
line_remove(struct line *ln, size_t from, size_t to)
{
	memmove(ln->ln_text + from, ln->ln_text + to, ln->ln_len - to + 1);
	ln->ln_len -= to - from;
	ln->ln_pos = from;
	line_draw(ln);
}

static size_t
line_word_start(const struct line *ln)
{
	size_t at = ln->ln_pos;

	while (at > 0 && ln->ln_text[at - 1] == ' ')
		at--;
	while (at > 0 && ln->ln_text[at - 1] != ' ')
		at--;
	return at;
}

static void
line_move(struct line *ln, size_t pos)
{
	ln->ln_pos = pos;
	line_draw(ln);
}

/* ---- history ----------------------------------------------------------- */

static char *
line_slot(struct line *ln, unsigned int n)
{
	return ln->ln_old[n % LINE_NHIST];
}

static void
line_remember(struct line *ln)
{
	if (ln->ln_len == 0 || (ln->ln_nhist > 0 &&
	    strcmp(line_slot(ln, ln->ln_nhist - 1), ln->ln_text) == 0))
		return;
	memcpy(line_slot(ln, ln->ln_nhist++), ln->ln_text, ln->ln_len + 1);
}

/* Show the n-th line of those entered; the one behind them all is empty. */
static void
line_recall(struct line *ln, unsigned int n)
{
	unsigned int oldest = ln->ln_nhist < LINE_NHIST ? 0 :
	    ln->ln_nhist - LINE_NHIST;

	if (n < oldest || n > ln->ln_nhist || n == UINT32_MAX)
		return;
	ln->ln_hist = n;
	ln->ln_len = 0;
	if (n < ln->ln_nhist) {
		ln->ln_len = strlen(line_slot(ln, n));
		memcpy(ln->ln_text, line_slot(ln, n), ln->ln_len);
	}
	ln->ln_text[ln->ln_len] = '\0';
	ln->ln_pos = ln->ln_len;
	line_draw(ln);
}

/* ---- completion -------------------------------------------------------- */

/*
 * How many words begin with the first len bytes of the line; *first is one of
 * them and *common how much of it all of them share.
 */
static unsigned int
line_matches(struct line *ln, size_t len, const char **first, size_t *common)
{
	const char *word;
	unsigned int n, found = 0;
	size_t i;

	for (n = 0; (word = ln->ln_word(n)) != NULL; n++) {
		if (strncmp(word, ln->ln_text, len) != 0)
			continue;
		if (found++ == 0) {
			*first = word;
			*common = strlen(word);
			continue;
		}
		for (i = len; i < *common && word[i] == (*first)[i]; i++)
			;
		*common = i;
	}
	return found;
}

static void
line_list(struct line *ln, size_t len)
{
	const char *word;
	unsigned int n;

	line_puts(ln, "\r\n");
	for (n = 0; (word = ln->ln_word(n)) != NULL; n++) {
		if (strncmp(word, ln->ln_text, len) != 0)
			continue;
		line_puts(ln, word);
		line_puts(ln, "  ");
	}
	line_puts(ln, "\r\n");
	line_draw(ln);
}

static void
line_complete(struct line *ln)
{
	size_t len = ln->ln_pos, common = 0;
	const char *first = NULL;
	unsigned int n;

	if (ln->ln_word == NULL || ln->ln_pos != ln->ln_len ||
	    strchr(ln->ln_text, ' ') != NULL)
		return;
	n = line_matches(ln, len, &first, &common);
	if (n == 0) {
		line_puts(ln, "\a");
		return;
	}
	if (n > 1 && common == len) {
		line_list(ln, len);
		return;
	}
	while (len < common)
		line_insert(ln, first[len++]);
	if (n == 1)
		line_insert(ln, ' ');
}

/* ---- input ------------------------------------------------------------- */

/* Deletes and moves that need something to be there. */
static void
line_edit(struct line *ln, int ch)
{
	bool left = ln->ln_pos > 0, right = ln->ln_pos < ln->ln_len;

	if ((ch == CTRL('B') || ch == CTRL('A')) && left)
		line_move(ln, ch == CTRL('B') ? ln->ln_pos - 1 : 0);
	else if ((ch == CTRL('F') || ch == CTRL('E')) && right)
		line_move(ln, ch == CTRL('F') ? ln->ln_pos + 1 : ln->ln_len);
	else if ((ch == CTRL('H') || ch == LINE_DEL) && left)
		line_remove(ln, ln->ln_pos - 1, ln->ln_pos);
	else if (ch == CTRL('D') && right)
		line_remove(ln, ln->ln_pos, ln->ln_pos + 1);
	else if (ch == CTRL('K') && right)
		line_remove(ln, ln->ln_pos, ln->ln_len);
	else if (ch == CTRL('U') && left)
		line_remove(ln, 0, ln->ln_pos);
	else if (ch == CTRL('W') && left)
		line_remove(ln, line_word_start(ln), ln->ln_pos);
}

static void
line_control(struct line *ln, int ch)
{
	switch (ch) {
	case '\t':
		line_complete(ln);
		break;
	case CTRL('L'):
		line_puts(ln, "\033[H\033[2J");
		line_draw(ln);
		break;
	case CTRL('P'):
		line_recall(ln, ln->ln_hist - 1);
		break;
	case CTRL('N'):
		line_recall(ln, ln->ln_hist + 1);
		break;
	case LINE_ESC:
		ln->ln_esc = 1;
		break;
	default:
		line_edit(ln, ch);
	}
}

/* ESC [ n ~ : the keys that have a number. */
static int
line_key(unsigned int num)
{
	switch (num) {
	case 1:
	case 7:
		return CTRL('A');
	case 4:
	case 8:
		return CTRL('E');
	case 3:
		return CTRL('D');
	default:
		return 0;
	}
}

/*
 * Inside an escape sequence, ESC [ A or ESC O A or ESC [ n ~ : make a control
 * character of it.  Others are passed over.
 */
static void
line_escape(struct line *ln, int ch)
{
	static const char keys[] = "ABCDHF";
	static const char ctrl[] = { CTRL('P'), CTRL('N'), CTRL('F'),
	    CTRL('B'), CTRL('A'), CTRL('E') };
	const char *key;

	if (ln->ln_esc == 1) {
		ln->ln_esc = ch == '[' || ch == 'O' ? 2 : 0;
		ln->ln_num = 0;
		return;
	}
	if (ch >= '0' && ch <= '9') {
		ln->ln_num = (ln->ln_num * 10 + (ch - '0')) % 1000;
		return;
	}
	if (ch == ';')
		return;
	ln->ln_esc = 0;
	key = ch == '\0' ? NULL : strchr(keys, ch);
	if (key != NULL)
		line_control(ln, ctrl[key - keys]);
	else if (ch == '~')
		line_control(ln, line_key(ln->ln_num));
}

enum line_event
line_input(struct line *ln, int ch)
{
	if (ln->ln_esc != 0) {
		line_escape(ln, ch);
		return LINE_MORE;
	}
	if (ch == '\r' || ch == '\n') {
		line_puts(ln, "\r\n");
		line_remember(ln);
		return LINE_DONE;
	}
	if (ch == CTRL('C')) {
		line_puts(ln, "^C\r\n");
		return LINE_STOP;
	}
	if (ch == CTRL('D') && ln->ln_len == 0)
		return LINE_END;
	if (ch >= ' ' && ch != LINE_DEL)
		line_insert(ln, (char)ch);
	else
		line_control(ln, ch);
	return LINE_MORE;
}
