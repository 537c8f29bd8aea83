/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmdline.c -- settings from the kernel command line.
 *
 * The text is copied and cut into words in place.  Each key that is asked
 * for is remembered, whether it was given or not, so that cmdline_check()
 * can tell the operator both the word it does not know and what it does.
 * When a key is given twice the last one counts.
 */

#include <string.h>

#include <boot.h>
#include <cmdline.h>
#include <klog.h>
#include <printf.h>
#include <sync.h>

#define CMDLINE_NWORD	64u
#define CMDLINE_NKNOWN	160u

struct cmdline_word {
	char		*cw_key, *cw_value;
	bool		 cw_asked;	/* by cmdline_setting() */
};

static char cmdline_text[BOOT_CMDLINE];
static struct cmdline_word cmdline_word[CMDLINE_NWORD];
static unsigned int cmdline_nword;

static struct spinlock cmdline_lock;
static const char *cmdline_known[CMDLINE_NKNOWN];
static unsigned int cmdline_nknown;

static bool
cmdline_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/*
 * Copy one word, without its quotes, from *p to *to and end it there;
 * the value's start is the first = outside of quotes.
 */
static void
cmdline_cut(struct cmdline_word *cw, const char **p, char **to)
{
	bool quoted = false;

	cw->cw_key = *to;
	cw->cw_value = NULL;
	cw->cw_asked = false;
	for (; **p != '\0' && (quoted || !cmdline_blank(**p)); ++*p) {
		if (**p == '"') {
			quoted = !quoted;
		} else if (**p == '=' && !quoted && cw->cw_value == NULL) {
			*(*to)++ = '\0';
			cw->cw_value = *to;
		} else {
			*(*to)++ = **p;
		}
	}
	if (quoted)
		klog(PV_LOG_WARN, "command line: \" without an end after %s",
		    cw->cw_key);
	if (cw->cw_value == NULL)
		cw->cw_value = *to;
	*(*to)++ = '\0';
}

/*
 * cmdline_init -- take the command line apart; text is copied
 *
 * Context: boot.
 */
void
cmdline_init(const char *text)
{
	char *to = cmdline_text;
	size_t len = strnlen(text, BOOT_CMDLINE);
	const char *p = text;

	cmdline_nword = 0;
	cmdline_nknown = 0;
	if (len == BOOT_CMDLINE) {
		klog(PV_LOG_WARN, "command line ignored: %u bytes or longer",
		    BOOT_CMDLINE);
		return;
	}
	for (;;) {
		while (cmdline_blank(*p))
			p++;
		if (*p == '\0')
			return;
		if (cmdline_nword == CMDLINE_NWORD) {
			klog(PV_LOG_WARN, "command line: only the first %u "
			    "words are used, not: %s", CMDLINE_NWORD, p);
			return;
		}
		cmdline_cut(&cmdline_word[cmdline_nword++], &p, &to);
	}
}

static void
cmdline_know(const char *key)
{
	unsigned long s;
	unsigned int i;

	s = spin_lock(&cmdline_lock);
	for (i = 0; i < cmdline_nknown; i++) {
		if (strcmp(cmdline_known[i], key) == 0)
			break;
	}
	if (i == cmdline_nknown && i < CMDLINE_NKNOWN)
		cmdline_known[cmdline_nknown++] = key;
	spin_unlock(&cmdline_lock, s);
}

/*
 * cmdline_get -- the value of a key, "" for a bare one, NULL when not given
 *
 * key must stay where it is.  Context: any.
 */
const char *
cmdline_get(const char *key)
{
	unsigned int i;

	cmdline_know(key);
	for (i = cmdline_nword; i-- > 0;) {
		if (strcmp(cmdline_word[i].cw_key, key) == 0)
			return cmdline_word[i].cw_value;
	}
	return NULL;
}

/*
 * cmdline_setting -- as cmdline_get(), but key need not stay
 *
 * So it is not among the keys that cmdline_check() lists.  Context: any.
 */
const char *
cmdline_setting(const char *key)
{
	unsigned int i;

	for (i = cmdline_nword; i-- > 0;) {
		if (strcmp(cmdline_word[i].cw_key, key) == 0) {
			cmdline_word[i].cw_asked = true;
			return cmdline_word[i].cw_value;
		}
	}
	return NULL;
}

/*
 * cmdline_nth -- the n-th value (0, 1, ..) of a key that may come often
 *
 * NULL behind the last.  Context: any.
 */
const char *
cmdline_nth(const char *key, unsigned int n)
{
	unsigned int i;

	cmdline_know(key);
	for (i = 0; i < cmdline_nword; i++) {
		if (strcmp(cmdline_word[i].cw_key, key) == 0 && n-- == 0)
			return cmdline_word[i].cw_value;
	}
	return NULL;
}

/*
 * cmdline_bool -- yes or no; a bare key is yes
 *
 * Anything else: a warning, and dflt.  Context: any.
 */
bool
cmdline_bool(const char *key, bool dflt)
{
	static const char *const yes[] = { "", "1", "yes", "on", "true" };
	static const char *const no[] = { "0", "no", "off", "false" };
	const char *val = cmdline_get(key);
	unsigned int i;

	if (val == NULL)
		return dflt;
	for (i = 0; i < PV_NELEM(yes); i++) {
		if (strcmp(val, yes[i]) == 0)
			return true;
	}
	for (i = 0; i < PV_NELEM(no); i++) {
		if (strcmp(val, no[i]) == 0)
			return false;
	}
	klog(PV_LOG_WARN, "%s=%s: must be yes or no; using %s", key, val,
	    dflt ? "yes" : "no");
	return dflt;
}

/* A decimal number and nothing else.  Returns false when it is not. */
static bool
cmdline_parse(const char *s, uint64_t *num)
{
	uint64_t n = 0, digit;

	if (*s == '\0')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		digit = (uint64_t)(*s - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*num = n;
	return *s == '\0';
}

/*
 * cmdline_num -- a decimal number from lo to hi
 *
 * Anything else: a warning, and dflt.  Context: any.
 */
uint64_t
cmdline_num(const char *key, uint64_t lo, uint64_t hi, uint64_t dflt)
{
	const char *val = cmdline_get(key);
	uint64_t num;

	if (val == NULL)
		return dflt;
	if (cmdline_parse(val, &num) && num >= lo && num <= hi)
		return num;
	klog(PV_LOG_WARN, "%s=%s: must be a number from %llu to %llu; "
	    "using %llu", key, val, (unsigned long long)lo,
	    (unsigned long long)hi, (unsigned long long)dflt);
	return dflt;
}

static bool
cmdline_is_known(const char *key)
{
	unsigned int i;

	for (i = 0; i < cmdline_nknown; i++) {
		if (strcmp(cmdline_known[i], key) == 0)
			return true;
	}
	return false;
}

/*
 * cmdline_check -- warn about each key that nobody has asked for
 *
 * Called once, when all have asked.  Context: thread.
 */
void
cmdline_check(void)
{
	static char list[512];
	size_t len = 0;
	unsigned int i, nbad = 0;

	for (i = 0; i < cmdline_nword; i++) {
		if (cmdline_word[i].cw_asked ||
		    cmdline_is_known(cmdline_word[i].cw_key))
			continue;
		klog(PV_LOG_WARN, "unknown option %s on the command line",
		    cmdline_word[i].cw_key);
		nbad++;
	}
	if (nbad == 0)
		return;
	for (i = 0; i < cmdline_nknown; i++) {
		if (len + strlen(cmdline_known[i]) + 2 > sizeof(list)) {
			klog(PV_LOG_WARN, "known options:%s", list);
			len = 0;
		}
		len += printf_format(list + len, sizeof(list) - len, " %s",
		    cmdline_known[i]);
	}
	klog(PV_LOG_WARN, "known options:%s", list);
}
