/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_conf.c -- see fwd_conf.h, and netdomain(8) for the language.
 */

#include <string.h>

#include <pv/errno.h>

#include <printf.h>
#include <str.h>

#include "fwd_conf.h"
#include "fwd_hdr.h"

#define FWD_CONF_WORDS	24
#define FWD_CONF_LEASE	3600

struct fwd_line {
	struct fwd_conf	*ln_conf;
	struct fwd_conf_error *ln_err;
	char		*ln_word[FWD_CONF_WORDS + 1];	/* NULL behind */
	unsigned int	 ln_n;
	char		 ln_text[FWD_TEXT];
};

/* Why a line is no good: a format with one string. */
static int fwd_conf_bad(struct fwd_line *, const char *fmt, const char *word)
    __attribute__((__format__(__printf__, 2, 0)));

static int
fwd_conf_bad(struct fwd_line *ln, const char *fmt, const char *word)
{
	char say[FWD_ADDR_TEXT];

	/* It is whatever stands in the file. */
	printf_format(say, sizeof(say), "%s", word);
	str_sanitise(say, strlen(say));
	printf_format(ln->ln_err->er_why, sizeof(ln->ln_err->er_why), fmt, say);
	return -PV_EINVAL;
}

int
fwd_conf_net(const struct fwd_conf *co, const char *name)
{
	unsigned int i;

	for (i = 0; i < co->co_nnet; i++) {
		if (strcmp(co->co_net[i].nc_name, name) == 0)
			return (int)i;
	}
	return -1;
}

bool
fwd_conf_match(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (n > 0 && pattern[n - 1] == '*')
		return strncmp(pattern, name, n - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static int
fwd_conf_name(struct fwd_line *ln, const char *word, char out[FWD_NAME])
{
	if (strlen(word) >= FWD_NAME)
		return fwd_conf_bad(ln, "\"%s\" is too long for a name", word);
	memcpy(out, word, strlen(word) + 1);
	return 0;
}

/* The network that the line's word 1 names. */
static struct fwd_net_conf *
fwd_conf_of(struct fwd_line *ln)
{
	int i = fwd_conf_net(ln->ln_conf, ln->ln_word[1]);

	if (i >= 0)
		return &ln->ln_conf->co_net[i];
	(void)fwd_conf_bad(ln, "there is no network \"%s\" above this line",
	    ln->ln_word[1]);
	return NULL;
}

/* ---- networks ---------------------------------------------------------- */

static int
fwd_conf_network(struct fwd_line *ln)
{
	struct fwd_conf *co = ln->ln_conf;
	struct fwd_net_conf *nc = &co->co_net[co->co_nnet];
	unsigned int i;
	int rv;

	if (fwd_conf_net(co, ln->ln_word[1]) >= 0)
		return fwd_conf_bad(ln, "network %s is there twice",
		    ln->ln_word[1]);
	if (strcmp(ln->ln_word[1], "self") == 0)
		return fwd_conf_bad(ln, "%s is this domain itself, and no "
		    "network", ln->ln_word[1]);
	if (co->co_nnet == FWD_NNET)
		return fwd_conf_bad(ln, "%s: there are eight networks already",
		    ln->ln_word[1]);
	if (ln->ln_n - 2 > FWD_NMEMBER)
		return fwd_conf_bad(ln, "%s has more than eight members; "
		    "patterns such as vif* have many", ln->ln_word[1]);
	rv = fwd_conf_name(ln, ln->ln_word[1], nc->nc_name);
	for (i = 2; i < ln->ln_n && rv == 0; i++)
		rv = fwd_conf_name(ln, ln->ln_word[i], nc->nc_member[i - 2]);
	if (rv != 0)
		return rv;
	nc->nc_nmember = ln->ln_n - 2;
	nc->nc_lease = FWD_CONF_LEASE;
	co->co_nnet++;
	return 0;
}

/* An address for a host: not of a whole network, nor a group's. */
static bool
fwd_conf_host_addr(const struct fwd_prefix *pr)
{
	return !fwd_addr_zero(&pr->pr_addr) &&
	    !fwd_addr_multicast(&pr->pr_addr, pr->pr_version) &&
	    pr->pr_len > 0;
}

static int
fwd_conf_address(struct fwd_line *ln)
{
	struct fwd_net_conf *nc = fwd_conf_of(ln);
	struct fwd_prefix pr;
	char *word = ln->ln_word[2];

	if (nc == NULL)
		return -PV_EINVAL;
	if (nc->nc_first != 0 && strchr(word, ':') == NULL)
		return fwd_conf_bad(ln, "the address of %s belongs above its "
		    "line dhcp", nc->nc_name);
	if (strcmp(word, "dhcp") == 0 || strcmp(word, "none") == 0) {
		nc->nc_how = word[0] == 'd' ? FWD_DHCP : FWD_NONE;
		return 0;
	}
	if (strchr(word, '/') == NULL || !fwd_addr_prefix(word, &pr) ||
	    !fwd_conf_host_addr(&pr))
		return fwd_conf_bad(ln, "\"%s\" is not ADDRESS/BITS, as in "
		    "10.137.0.1/24, dhcp or none", word);
	if (pr.pr_version == 6) {
		nc->nc_addr6 = pr;
		return 0;
	}
	nc->nc_how = FWD_STATIC;
	nc->nc_addr4 = pr;
	return 0;
}

static int
fwd_conf_nat(struct fwd_line *ln)
{
	struct fwd_net_conf *nc = fwd_conf_of(ln);

	if (nc == NULL)
		return -PV_EINVAL;
	nc->nc_nat = true;
	if (ln->ln_n == 2)
		return 0;
	if (ln->ln_n != 4 || strcmp(ln->ln_word[2], "from") != 0)
		return fwd_conf_bad(ln, "after nat %s there may be only from "
		    "ADDRESS/BITS", ln->ln_word[1]);
	if (!fwd_addr_prefix(ln->ln_word[3], &nc->nc_natfrom) ||
	    nc->nc_natfrom.pr_version != 4)
		return fwd_conf_bad(ln, "\"%s\" is no address of IPv4",
		    ln->ln_word[3]);
	return 0;
}

static int
fwd_conf_range(struct fwd_line *ln, struct fwd_net_conf *nc)
{
	char *dash = strchr(ln->ln_word[2], '-');
	struct fwd_addr a, b;
	uint32_t mask;

	if (dash != NULL)
		*dash = '\0';
	if (dash == NULL || fwd_addr_parse(ln->ln_word[2], &a) != 4 ||
	    fwd_addr_parse(dash + 1, &b) != 4 ||
	    fwd_addr_num(&a) > fwd_addr_num(&b))
		return fwd_conf_bad(ln, "\"%s\" is not the first of FIRST-LAST,"
		    " as in 10.137.0.100-10.137.0.199", ln->ln_word[2]);
	if (nc->nc_addr4.pr_version != 4)
		return fwd_conf_bad(ln, "network %s needs a fixed address, on a"
		    " line above", nc->nc_name);
	mask = (uint32_t)(0xffffffff00000000ull >> nc->nc_addr4.pr_len);
	nc->nc_first = fwd_addr_num(&a);
	nc->nc_last = fwd_addr_num(&b);
	if ((((nc->nc_first ^ fwd_addr_num(&nc->nc_addr4.pr_addr)) |
	    (nc->nc_last ^ nc->nc_first)) & mask) != 0)
		return fwd_conf_bad(ln, "the range is not of the network that "
		    "%s has", nc->nc_name);
	/* Where two hosts are all, there is neither (RFC 3021). */
	if (nc->nc_addr4.pr_len < 31 && ((nc->nc_first & ~mask) == 0 ||
	    (nc->nc_last | mask) == UINT32_MAX))
		return fwd_conf_bad(ln, "the first and the last address of %s "
		    "are no host's", nc->nc_name);
	return 0;
}

static int
fwd_conf_dhcp(struct fwd_line *ln)
{
	struct fwd_net_conf *nc = fwd_conf_of(ln);
	uint64_t lease;
	unsigned int i;
	char **w;
	int rv;

	rv = nc == NULL ? -PV_EINVAL : fwd_conf_range(ln, nc);
	for (i = 3; i < ln->ln_n && rv == 0; i += 2) {
		w = &ln->ln_word[i];
		if (w[1] != NULL && strcmp(w[0], "dns") == 0) {
			if (fwd_addr_parse(w[1], &nc->nc_dns) != 4)
				rv = fwd_conf_bad(ln, "\"%s\" is no address of"
				    " IPv4", w[1]);
		} else if (w[1] != NULL && strcmp(w[0], "lease") == 0) {
			if (str_num(w[1], strlen(w[1]), 60, 1u << 30,
			    &lease) != 0)
				rv = fwd_conf_bad(ln, "\"%s\" is no number of "
				    "seconds, 60 at least", w[1]);
			else
				nc->nc_lease = (uint32_t)lease;
		} else {
			rv = fwd_conf_bad(ln, "\"%s\" is neither dns ADDRESS "
			    "nor lease SECONDS", w[0]);
		}
	}
	return rv;
}

static int
fwd_conf_host(struct fwd_line *ln)
{
	struct fwd_conf *co = ln->ln_conf;
	struct fwd_host_conf *ho = &co->co_host[co->co_nhost];
	char **w = ln->ln_word;

	if (co->co_nhost == FWD_NHOST)
		return fwd_conf_bad(ln, "%s: there are 64 hosts already", w[1]);
	if (str_mac(w[1], strlen(w[1]), ho->ho_mac) != 0)
		return fwd_conf_bad(ln, "\"%s\" is no Ethernet address, as in "
		    "00:16:3e:01:02:03", w[1]);
	if (fwd_addr_parse(w[2], &ho->ho_addr) != 4)
		return fwd_conf_bad(ln, "\"%s\" is no address of IPv4", w[2]);
	co->co_nhost++;
	return 0;
}

/* route ADDR/BITS|default via ADDR [on NETWORK] */
static int
fwd_conf_route(struct fwd_line *ln)
{
	struct fwd_conf *co = ln->ln_conf;
	struct fwd_route_conf *ro = &co->co_route[co->co_nroute];
	unsigned int version;
	char **w = ln->ln_word;

	if (co->co_nroute == FWD_NROUTE)
		return fwd_conf_bad(ln, "%s: there are 16 routes already",
		    w[1]);
	if (strcmp(w[2], "via") != 0 || (ln->ln_n > 4 && (ln->ln_n != 6 ||
	    strcmp(w[4], "on") != 0)))
		return fwd_conf_bad(ln, "\"%s\": a route is ADDRESS/BITS via "
		    "ADDRESS [on NETWORK]", w[1]);
	version = fwd_addr_parse(w[3], &ro->ro_via);
	if (version == 0)
		return fwd_conf_bad(ln, "\"%s\" is no address", w[3]);
	if (strcmp(w[1], "default") == 0) {
		memset(&ro->ro_dst, 0, sizeof(ro->ro_dst));
		ro->ro_dst.pr_version = (uint8_t)version;
	} else if (!fwd_addr_prefix(w[1], &ro->ro_dst) ||
	    ro->ro_dst.pr_version != version) {
		return fwd_conf_bad(ln, "\"%s\" is not ADDRESS/BITS of the same"
		    " version of IP", w[1]);
	}
	ro->ro_net = ln->ln_n > 4 ? fwd_conf_net(co, w[5]) : -1;
	if (ln->ln_n > 4 && ro->ro_net < 0)
		return fwd_conf_bad(ln, "there is no network \"%s\" above this "
		    "line", w[5]);
	if (ro->ro_net < 0 && fwd_addr_linklocal(&ro->ro_via, version))
		return fwd_conf_bad(ln, "%s is on every link: say on which "
		    "NETWORK", w[3]);
	co->co_nroute++;
	return 0;
}

/* ---- rules ------------------------------------------------------------- */

static int
fwd_conf_proto(struct fwd_line *ln, const char *word, struct fwd_rule *ru)
{
	uint64_t v;

	if (strcmp(word, "tcp") == 0)
		v = FWD_TCP;
	else if (strcmp(word, "udp") == 0)
		v = FWD_UDP;
	else if (strcmp(word, "icmp") == 0)
		v = FWD_ICMP;
	else if (strcmp(word, "icmp6") == 0)
		v = FWD_ICMP6;
	else if (str_num(word, strlen(word), 1, 254, &v) != 0)
		return fwd_conf_bad(ln, "\"%s\" is no protocol: tcp, udp, icmp,"
		    " icmp6 or a number", word);
	ru->ru_proto = (uint8_t)v;
	return 0;
}

static int
fwd_conf_port(struct fwd_line *ln, char *word, uint16_t port[2])
{
	char *dash = strchr(word, '-');
	uint64_t a, b;

	if (dash != NULL)
		*dash = '\0';
	if (str_num(word, strlen(word), 0, UINT16_MAX, &a) != 0)
		return fwd_conf_bad(ln, "\"%s\" is no port", word);
	b = a;
	if (dash != NULL && (str_num(dash + 1, strlen(dash + 1), a, UINT16_MAX,
	    &b) != 0))
		return fwd_conf_bad(ln, "\"%s\" does not end a range of ports",
		    dash + 1);
	port[0] = (uint16_t)a;
	port[1] = (uint16_t)b;
	return 0;
}

/* from|to ADDRESS|any [port N[-N]], at word i; *ip stands behind it then. */
static int
fwd_conf_end(struct fwd_line *ln, unsigned int *ip, struct fwd_rule *ru)
{
	char **w = &ln->ln_word[*ip];
	bool from = w[0][0] == 'f';
	struct fwd_prefix *pr = from ? &ru->ru_src : &ru->ru_dst;

	if (w[1] == NULL)
		return fwd_conf_bad(ln, "an address belongs after \"%s\"",
		    w[0]);
	if (strcmp(w[1], "any") != 0 && !fwd_addr_prefix(w[1], pr))
		return fwd_conf_bad(ln, "\"%s\" is no address, ADDRESS/BITS or"
		    " any", w[1]);
	if (pr->pr_version != 0 && ru->ru_version != 0 &&
	    pr->pr_version != ru->ru_version)
		return fwd_conf_bad(ln, "%s is of another version of IP than "
		    "what is before it", w[1]);
	if (pr->pr_version != 0)
		ru->ru_version = pr->pr_version;
	*ip += 2;
	if (w[2] == NULL || strcmp(w[2], "port") != 0)
		return 0;
	if (w[3] == NULL)
		return fwd_conf_bad(ln, "a number belongs after \"%s\"", w[2]);
	*ip += 2;
	ru->ru_ported = true;
	return fwd_conf_port(ln, w[3], from ? ru->ru_sport : ru->ru_dport);
}

/* One clause of a rule, at word *ip. */
static int
fwd_conf_clause(struct fwd_line *ln, unsigned int *ip, struct fwd_rule *ru)
{
	char **w = &ln->ln_word[*ip];

	if (strcmp(w[0], "from") == 0 || strcmp(w[0], "to") == 0)
		return fwd_conf_end(ln, ip, ru);
	if (strcmp(w[0], "ip4") == 0 || strcmp(w[0], "ip6") == 0) {
		ru->ru_version = w[0][2] == '4' ? 4 : 6;
		*ip += 1;
		return 0;
	}
	*ip += 2;
	if (strcmp(w[0], "in") != 0 && strcmp(w[0], "out") != 0 &&
	    strcmp(w[0], "proto") != 0)
		return fwd_conf_bad(ln, "\"%s\" is none of in, out, ip4, ip6, "
		    "proto, from, to", w[0]);
	if (w[1] == NULL)
		return fwd_conf_bad(ln, "something belongs after \"%s\"", w[0]);
	if (w[0][0] == 'p')
		return fwd_conf_proto(ln, w[1], ru);
	return fwd_conf_name(ln, w[1], w[0][0] == 'i' ? ru->ru_in :
	    ru->ru_out);
}

static int
fwd_conf_rule(struct fwd_line *ln)
{
	struct fwd_conf *co = ln->ln_conf;
	struct fwd_rule *ru = &co->co_rule[co->co_nrule];
	unsigned int i;
	int rv = 0;

	if (co->co_nrule == FWD_NRULE)
		return fwd_conf_bad(ln, "%s: there are 128 rules already",
		    ln->ln_word[0]);
	ru->ru_allow = ln->ln_word[0][0] == 'a';
	ru->ru_sport[1] = ru->ru_dport[1] = UINT16_MAX;
	for (i = 1; i < ln->ln_n && rv == 0; )
		rv = fwd_conf_clause(ln, &i, ru);
	if (rv != 0)
		return rv;
	if (ru->ru_ported && ru->ru_proto != FWD_TCP &&
	    ru->ru_proto != FWD_UDP)
		return fwd_conf_bad(ln, "%s: only tcp and udp have ports: say "
		    "proto tcp or proto udp", ln->ln_word[0]);
	ru->ru_line = ln->ln_err->er_line;
	memcpy(ru->ru_text, ln->ln_text, sizeof(ru->ru_text));
	co->co_nrule++;
	return 0;
}

static int
fwd_conf_default(struct fwd_line *ln)
{
	ln->ln_conf->co_default = strcmp(ln->ln_word[1], "allow") == 0;
	if (!ln->ln_conf->co_default && strcmp(ln->ln_word[1], "deny") != 0)
		return fwd_conf_bad(ln, "\"%s\" is neither allow nor deny",
		    ln->ln_word[1]);
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static const struct {
	const char	*name;
	unsigned int	 least, most;		/* words */
	int		(*fn)(struct fwd_line *);
} fwd_conf_keys[] = {
	{ "network", 3, FWD_CONF_WORDS, fwd_conf_network },
	{ "address", 3, 3, fwd_conf_address },
	{ "nat", 2, 4, fwd_conf_nat },
	{ "dhcp", 3, 7, fwd_conf_dhcp },
	{ "host", 3, 3, fwd_conf_host },
	{ "route", 4, 6, fwd_conf_route },
	{ "allow", 1, FWD_CONF_WORDS, fwd_conf_rule },
	{ "deny", 1, FWD_CONF_WORDS, fwd_conf_rule },
	{ "default", 2, 2, fwd_conf_default }
};

/* Cut a line into words; what does not fit makes ln_n too large. */
static void
fwd_conf_words(struct fwd_line *ln, char *p)
{
	char *hash = strchr(p, '#');

	if (hash != NULL)
		*hash = '\0';
	p += strspn(p, " \t\r");
	printf_format(ln->ln_text, sizeof(ln->ln_text), "%s", p);
	str_sanitise(ln->ln_text, strlen(ln->ln_text));
	for (ln->ln_n = 0; *p != '\0'; ln->ln_n++) {
		if (ln->ln_n < FWD_CONF_WORDS)
			ln->ln_word[ln->ln_n] = p;
		p += strcspn(p, " \t\r");
		if (*p != '\0')
			*p++ = '\0';
		p += strspn(p, " \t\r");
	}
	if (ln->ln_n <= FWD_CONF_WORDS)
		ln->ln_word[ln->ln_n] = NULL;
}

static int
fwd_conf_line(struct fwd_line *ln, char *p)
{
	unsigned int i;

	fwd_conf_words(ln, p);
	if (ln->ln_n == 0)
		return 0;
	for (i = 0; i < PV_NELEM(fwd_conf_keys); i++) {
		if (strcmp(ln->ln_word[0], fwd_conf_keys[i].name) != 0)
			continue;
		if (ln->ln_n < fwd_conf_keys[i].least)
			return fwd_conf_bad(ln, "something is missing after "
			    "\"%s\"", ln->ln_word[ln->ln_n - 1]);
		if (ln->ln_n > fwd_conf_keys[i].most)
			return fwd_conf_bad(ln, "too many words after \"%s\"",
			    ln->ln_word[0]);
		return fwd_conf_keys[i].fn(ln);
	}
	return fwd_conf_bad(ln, "\"%s\" is none of network, address, nat, "
	    "dhcp, host, route, allow, deny, default", ln->ln_word[0]);
}

void
fwd_conf_switch(struct fwd_conf *co)
{
	struct fwd_net_conf *nc = &co->co_net[0];

	memset(co, 0, sizeof(*co));
	memcpy(nc->nc_name, "all", 4);
	memcpy(nc->nc_member[0], "*", 2);
	nc->nc_nmember = 1;
	nc->nc_lease = FWD_CONF_LEASE;
	co->co_nnet = 1;
	co->co_default = true;
}

/* What rules name must be there. */
static int
fwd_conf_whole(struct fwd_line *ln)
{
	struct fwd_conf *co = ln->ln_conf;

	if (co->co_nnet == 0)
		return fwd_conf_bad(ln, "there is no line \"%s\": say which "
		    "interfaces belong together", "network NAME INTERFACE...");
	return 0;
}

/*
 * fwd_conf_parse -- read rules
 *
 * Returns 0, or -PV_EINVAL with the line and the reason in *er.
 * Context: any.
 */
int
fwd_conf_parse(struct fwd_conf *co, char *text, struct fwd_conf_error *er)
{
	struct fwd_line ln = { .ln_conf = co, .ln_err = er };
	char *end;
	int rv = 0;

	memset(co, 0, sizeof(*co));
	memset(er, 0, sizeof(*er));
	for (; *text != '\0' && rv == 0; text = end) {
		end = text + strcspn(text, "\n");
		if (*end != '\0')
			*end++ = '\0';
		er->er_line++;
		rv = fwd_conf_line(&ln, text);
	}
	if (rv != 0)
		return rv;
	er->er_line = 0;
	return fwd_conf_whole(&ln);
}

bool
fwd_conf_same(const struct fwd_conf *a, const struct fwd_conf *b)
{
	const struct fwd_net_conf *x, *y;
	unsigned int i;

	if (a->co_nnet != b->co_nnet)
		return false;
	for (i = 0; i < a->co_nnet; i++) {
		x = &a->co_net[i];
		y = &b->co_net[i];
		if (strcmp(x->nc_name, y->nc_name) != 0 ||
		    x->nc_nmember != y->nc_nmember ||
		    memcmp(x->nc_member, y->nc_member,
		    sizeof(x->nc_member)) != 0 ||
		    x->nc_how != y->nc_how ||
		    memcmp(&x->nc_addr4, &y->nc_addr4,
		    sizeof(x->nc_addr4)) != 0 ||
		    memcmp(&x->nc_addr6, &y->nc_addr6,
		    sizeof(x->nc_addr6)) != 0)
			return false;
	}
	return true;
}
