/* SPDX-License-Identifier: BSD-2-Clause */
/* t_line.c -- editing a line, and cutting it into words. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "line.h"
#include "words.h"

#define UP	"\033[A"
#define DOWN	"\033[B"
#define RIGHT	"\033[C"
#define LEFT	"\033[D"

static struct line ln;
static char out[65536];
static size_t nout;

static void
put(const char *buf, size_t len)
{
	if (nout + len < sizeof(out)) {
		memcpy(out + nout, buf, len);
		nout += len;
	}
}

static const char *
word(unsigned int n)
{
	static const char *const words[] = { "help", "host", "hostname",
	    "reboot" };

	return n < PV_NELEM(words) ? words[n] : NULL;
}

static int
setup(void **state)
{
	memset(&ln, 0, sizeof(ln));
	nout = 0;
	ln.ln_prompt = "# ";
	ln.ln_put = put;
	ln.ln_word = word;
	line_begin(&ln);
	return 0;
}

static enum line_event
type(const char *keys)
{
	enum line_event ev = LINE_MORE;

	while (*keys != '\0' && ev == LINE_MORE)
		ev = line_input(&ln, (unsigned char)*keys++);
	assert_true(ln.ln_pos <= ln.ln_len && ln.ln_len < LINE_SIZE);
	assert_int_equal(strlen(ln.ln_text), ln.ln_len);
	return ev;
}

static void
entered(const char *keys, const char *text)
{
	assert_int_equal(type(keys), LINE_DONE);
	assert_string_equal(ln.ln_text, text);
	line_begin(&ln);
}

static void
t_edit(void **state)
{
	entered("hello\r", "hello");
	entered("helo" LEFT "l\n", "hello");
	entered("abc\001x\005y\r", "xabcy");
	entered("abc\177\177z\r", "az");
	entered("abc\010\r", "ab");
	entered("abc" LEFT LEFT "\013\r", "a");
	entered("abc" LEFT "\025\r", "c");
	entered("one two three\027\027x\r", "one x");
	entered("one  \027x\r", "x");
	entered("abc\001\004\r", "bc");
	entered("abc\033[H\033[3~\r", "bc");
	entered("abc\033[1~x\033[4~y\033OHz\033OFw\r", "zxabcyw");
	entered("ab" LEFT LEFT LEFT RIGHT RIGHT RIGHT "c\r", "abc");
	entered("a\033[15~b\033[1;5Cc\033Zd\r", "abcd");
	entered("\r", "");
	assert_int_equal(type("\004"), LINE_END);
	assert_int_equal(type("abc\003"), LINE_STOP);
}

static void
t_drawn(void **state)
{
	nout = 0;
	type("ab" LEFT "x");
	/* Echo, then the cursor moves, then the line is drawn anew. */
	out[nout] = '\0';
	assert_string_equal(out, "ab" "\r# ab\033[K\033[1D"
	    "\r# axb\033[K\033[1D");
}

static void
t_history(void **state)
{
	char text[24];
	int i;

	entered(UP "x\r", "x");
	entered("two\r", "two");
	entered("two\r", "two");		/* remembered once */
	entered(UP "\r", "two");
	entered(UP UP "\r", "x");
	entered(UP UP UP UP UP DOWN "\r", "two");
	entered(UP DOWN "new\r", "new");
	for (i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "line%d\r", i);
		assert_int_equal(type(text), LINE_DONE);
		line_begin(&ln);
	}
	for (i = 0; i < 100; i++)
		type(UP);
	assert_string_equal(ln.ln_text, "line24");
	for (i = 0; i < 100; i++)
		type(DOWN);
	assert_string_equal(ln.ln_text, "");
}

static void
t_complete(void **state)
{
	entered("he\t\r", "help ");
	entered("ho\t\r", "host");
	entered("hostn\t\r", "hostname ");
	entered("x\t\r", "x");
	entered("help r\t\r", "help r");
	nout = 0;
	type("h\t");
	out[nout] = '\0';
	assert_non_null(strstr(out, "help  host  hostname  \r\n"));
}

static void
t_full(void **state)
{
	int i;

	for (i = 0; i < 1000; i++)
		type("x");
	assert_int_equal(ln.ln_len, LINE_SIZE - 1);
	assert_int_equal(type("\r"), LINE_DONE);
}

static void
t_any(void **state)
{
	uint64_t seed = 7;
	char key[2] = "";
	int i;

	for (i = 0; i < 300000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		key[0] = (char)(seed >> 56);
		if ((seed >> 50) % 4 == 0)
			key[0] = "\033[ABCDHF~3\t\027\013"[(seed >> 40) % 13];
		if (type(key) != LINE_MORE)
			line_begin(&ln);
		nout = 0;
	}
}

/* ---- words ------------------------------------------------------------- */

static int
words(const char *text, char *joined)
{
	char buf[128], *argv[6], *p = buf;
	int n, i, total = 0;

	strcpy(buf, text);
	joined[0] = '\0';
	while (p != NULL) {
		n = words_next(&p, argv, 5);
		if (n < 0)
			return n;
		assert_null(argv[n]);
		for (i = 0; i < n; i++) {
			strcat(joined, argv[i]);
			strcat(joined, "|");
		}
		strcat(joined, ";");
		total += n;
	}
	return total;
}

static void
t_words(void **state)
{
	static const struct {
		const char	*text, *joined;
	} cases[] = {
		{ "", ";" }, { "  ", ";" }, { "a", "a|;" },
		{ " a  b\tc ", "a|b|c|;" }, { "a;b", "a|;b|;" },
		{ "a ; b c;", "a|;b|c|;;" }, { "a\nb", "a|;b|;" },
		{ "'a b' c", "a b|c|;" }, { "\"a;b\"c", "a;bc|;" },
		{ "a\\ b \\;", "a b|;|;" }, { "'a\\b'", "a\\b|;" },
		{ "\"a\\\"b\"", "a\"b|;" }, { "''", "|;" },
		{ "a # b ; c", "a|;" }, { "a#b", "a#b|;" },
		{ "# x\nb", ";b|;" }, { ";;", ";;;" },
		{ "a'b'\"c\"", "abc|;" }, { "a\\", "a\\|;" },
	};
	char joined[256];
	size_t i;

	for (i = 0; i < PV_NELEM(cases); i++) {
		assert_true(words(cases[i].text, joined) >= 0);
		assert_string_equal(joined, cases[i].joined);
	}
	assert_int_equal(words("a 'b", joined), WORDS_QUOTE);
	assert_int_equal(words("a \"b\\", joined), WORDS_QUOTE);
	assert_int_equal(words("1 2 3 4 5", joined), 5);
	assert_int_equal(words("1 2 3 4 5 6", joined), WORDS_MANY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(t_edit, setup),
		cmocka_unit_test_setup(t_drawn, setup),
		cmocka_unit_test_setup(t_history, setup),
		cmocka_unit_test_setup(t_complete, setup),
		cmocka_unit_test_setup(t_full, setup),
		cmocka_unit_test_setup(t_any, setup),
		cmocka_unit_test(t_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
