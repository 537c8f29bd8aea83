/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setting.c -- typed settings over the client's pc_setting; see setting.h.
 */

#include "setting.h"

#include "dev.h"
#include "str.h"

static const char *
setting_get(const struct pv_client *client, const char *name)
{
	return client->pc_setting == NULL ? NULL : client->pc_setting(name);
}

/* Letters of any case. */
static bool
setting_is(const char *text, const char *word)
{
	for (; *word != '\0'; text++, word++) {
		if ((*text | 0x20) != *word && *text != *word)
			return false;
	}
	return *text == '\0';
}

/*
 * pv_setting_bool -- see setting.h
 *
 * Context: thread.
 */
bool
pv_setting_bool(const struct pv_client *client, const char *name, bool dflt)
{
	static const char *const yes[] = { "", "yes", "1", "on", "true" };
	static const char *const no[] = { "no", "0", "off", "false" };
	const char *text = setting_get(client, name);
	unsigned int i;

	if (text == NULL)
		return dflt;
	for (i = 0; i < PV_NELEM(yes); i++) {
		if (setting_is(text, yes[i]))
			return true;
	}
	for (i = 0; i < PV_NELEM(no); i++) {
		if (setting_is(text, no[i]))
			return false;
	}
	pv_log(NULL, PV_LOG_WARN, "%s=%s: must be YES or NO; using %s", name,
	    text, dflt ? "YES" : "NO");
	return dflt;
}

/*
 * pv_setting_num -- see setting.h
 *
 * Context: thread.
 */
int64_t
pv_setting_num(const struct pv_client *client, const char *name,
    const int64_t range[2], int64_t dflt)
{
	const char *text = setting_get(client, name), *digits;
	bool minus;
	uint64_t u;
	int64_t v;

	if (text == NULL)
		return dflt;
	minus = text[0] == '-';
	digits = minus ? text + 1 : text;
	if (str_num(digits, str_len(digits), 0, INT64_MAX, &u) == 0) {
		v = minus ? -(int64_t)u : (int64_t)u;
		if (v >= range[0] && v <= range[1])
			return v;
	}
	pv_log(NULL, PV_LOG_WARN, "%s=%s: must be a number from %lld to %lld; "
	    "using %lld", name, text, (long long)range[0],
	    (long long)range[1], (long long)dflt);
	return dflt;
}

/*
 * The name under which a setting of a device was given: its own, or its
 * driver's, in buf.
 */
static void
setting_of(const struct pv_unit *un, const char *leaf,
    char buf[SETTING_NAME])
{
	struct strbuf sb;

	str_begin(&sb, buf, SETTING_NAME);
	str_add(&sb, un->un_family);
	str_add(&sb, ".");
	str_addu(&sb, un->un_unit);
	str_add(&sb, ".");
	str_add(&sb, leaf);
	if (setting_get(un->un_client, buf) != NULL)
		return;
	str_begin(&sb, buf, SETTING_NAME);
	str_add(&sb, un->un_family);
	str_add(&sb, ".");
	str_add(&sb, leaf);
}

/*
 * pv_unit_bool, pv_unit_num -- the setting of a device, or of its driver
 *
 * Context: thread.
 */
bool
pv_unit_bool(const struct pv_unit *un, const char *leaf, bool dflt)
{
	char name[SETTING_NAME];

	setting_of(un, leaf, name);
	return pv_setting_bool(un->un_client, name, dflt);
}

int64_t
pv_unit_num(const struct pv_unit *un, const char *leaf,
    const int64_t range[2], int64_t dflt)
{
	char name[SETTING_NAME];

	setting_of(un, leaf, name);
	return pv_setting_num(un->un_client, name, range, dflt);
}
