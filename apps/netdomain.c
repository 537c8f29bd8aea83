/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netdomain.c -- a network driver domain: the guest forwards between its
 * interfaces, those of other guests among them.
 *
 *	rules=FILE	what is forwarded, and how; netdomain(8) has the
 *			language
 *	rule=LINE	one line of it more; may be given again
 *
 * Without either, all interfaces are one network and everything is allowed.
 */

#include <app.h>

#include <arch.h>
#include <cmdline.h>
#include <file.h>
#include <fwd/pump.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <sync.h>

#include "shell.h"

#define NETDOMAIN_TEXT	65536u		/* bytes of rules */
#define NETDOMAIN_FS_WAIT (60 * NSEC_PER_SEC)

static struct mutex netdomain_mtx;	/* one reads rules at a time */

/* ---- rules ------------------------------------------------------------- */

/* The root file system may not be mounted yet. */
static int
netdomain_open(const char *path, struct file **fl)
{
	uint64_t deadline = arch_now() + NETDOMAIN_FS_WAIT;
	int rv;

	while ((rv = file_open(path, FILE_READ, fl)) == -PV_ENODEV &&
	    arch_now() < deadline)
		thread_sleep(100 * NSEC_PER_MSEC);
	return rv;
}

/* The file's text, and how many lines it has. */
static int
netdomain_file(const char *path, char *text, unsigned int *nline)
{
	struct file *fl;
	ptrdiff_t len;
	const char *p;
	int rv = netdomain_open(path, &fl);

	if (rv != 0)
		return rv;
	len = file_read(fl, 0, text, NETDOMAIN_TEXT - 2);
	file_close(fl);
	if (len < 0)
		return (int)len;
	if (len == NETDOMAIN_TEXT - 2)
		return -PV_E2BIG;
	/* A NUL would hide what is behind it. */
	for (p = text; p < text + len; p++) {
		if (*p == '\0')
			return -PV_EINVAL;
		*nline += *p == '\n';
	}
	if (len > 0 && text[len - 1] != '\n') {
		text[len] = '\n';
		++*nline;
	}
	return 0;
}

/* The lines of the command line behind the file's; false: too much. */
static bool
netdomain_words(char *text)
{
	size_t at = strlen(text), n;
	const char *word;
	unsigned int i;

	for (i = 0; (word = cmdline_nth("rule", i)) != NULL; i++) {
		n = strlen(word);
		if (at + n + 2 > NETDOMAIN_TEXT)
			return false;
		memcpy(text + at, word, n);
		text[at + n] = '\n';
		at += n + 1;
	}
	return true;
}

/* Say what is wrong, and where. */
static void
netdomain_wrong(const char *path, unsigned int nline,
    const struct fwd_conf_error *er)
{
	if (er->er_line == 0)
		klog(PV_LOG_ERR, "netdomain: %s: %s", path != NULL ? path :
		    "rule=", er->er_why);
	else if (er->er_line <= nline)
		klog(PV_LOG_ERR, "netdomain: %s, line %u: %s", path,
		    er->er_line, er->er_why);
	else
		klog(PV_LOG_ERR, "netdomain: rule= number %u: %s",
		    er->er_line - nline, er->er_why);
}

/* Read the rules that the command line names. */
static int
netdomain_parse(struct fwd_conf *co, char *text)
{
	const char *path = cmdline_get("rules");
	struct fwd_conf_error er;
	unsigned int nline = 0;
	int rv;

	if (path == NULL && cmdline_nth("rule", 0) == NULL) {
		fwd_conf_switch(co);
		return 0;
	}
	rv = path == NULL ? 0 : netdomain_file(path, text, &nline);
	if (rv == 0 && !netdomain_words(text))
		rv = -PV_E2BIG;
	if (rv != 0) {
		klog(PV_LOG_ERR, "netdomain: rules=%s: %s", path != NULL ?
		    path : "", shell_error(rv));
		return rv;
	}
	rv = fwd_conf_parse(co, text, &er);
	if (rv != 0)
		netdomain_wrong(path, nline, &er);
	return rv;
}

/* Read the rules and take them into force; says what is wrong with them. */
static int
netdomain_load(void)
{
	struct fwd_conf *co = kmalloc(sizeof(*co));
	char *text = kmalloc(NETDOMAIN_TEXT);
	int rv = -PV_ENOMEM;

	mutex_lock(&netdomain_mtx);
	if (co != NULL && text != NULL)
		rv = netdomain_parse(co, text);
	if (rv == 0) {
		rv = pump_configure(co);
		if (rv != 0)
			klog(PV_LOG_ERR, "netdomain: networks, their "
			    "interfaces and addresses are others than those in "
			    "force: that takes a restart of the domain");
	}
	if (rv == 0)
		klog(PV_LOG_INFO, "netdomain: %u network%s, %u rule%s, what "
		    "none matches is %s", co->co_nnet, co->co_nnet == 1 ? "" :
		    "s", co->co_nrule, co->co_nrule == 1 ? "" : "s",
		    co->co_default ? "allowed" : "denied");
	mutex_unlock(&netdomain_mtx);
	kfree(text);
	kfree(co);
	return rv;
}

static void
netdomain_main(void)
{
	if (pump_start() != 0)
		klog(PV_LOG_ERR, "netdomain: not enough memory: 32 MiB will "
		    "do");
	else if (netdomain_load() != 0)
		klog(PV_LOG_ERR, "netdomain: nothing is forwarded; correct the "
		    "rules, then say: netdomain reload");
}

static void
netdomain_client(struct pv_client *pc)
{
	pc->pc_net_up = pump_up;
	pc->pc_net_down = pump_down;
}

const struct app app_netdomain = {
	.ap_name = "netdomain",
	.ap_what = "bridge, route, filter for other guests",
	.ap_main = netdomain_main,
	.ap_client = netdomain_client
};

/* ---- the shell's command ----------------------------------------------- */

/* Copies of what is printed: the console may be slow, packets are not. */
static union {
	struct fwd_port	 port;
	struct fwd_rule	 rule;
	struct fwd_state state;
	struct fwd_mac	 mac;
	struct fwd_neigh neigh;
	struct fwd_lease lease;
} netdomain_copy;

/*
 * Copy n bytes of the forwarder's, from an offset on; false: there are no rules
 * in force.
 */
static bool
netdomain_peek(size_t off, size_t n)
{
	const struct fwd *fw = pump_get();

	if (fw == NULL)
		return false;
	memcpy(&netdomain_copy, (const char *)fw + off, n);
	pump_put();
	return true;
}

static void
netdomain_print_mac(const uint8_t m[6])
{
	kprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
	    m[5]);
}

static void
netdomain_port(unsigned int i, const char *net)
{
	const struct fwd_port *pt = &netdomain_copy.port;
	const struct fwd_port_count *pc = &pt->pt_count;
	struct pump_count pu;

	pump_count(i, &pu);
	kprintf("%s: network %s, mtu %u\n", pt->pt_name, net, pt->pt_mtu);
	kprintf("  from it %llu packets %llu bytes, bad %llu denied %llu lost "
	    "%llu big %llu full %llu\n", (unsigned long long)pc->pc_rxpkt,
	    (unsigned long long)pc->pc_rxbyte,
	    (unsigned long long)pc->pc_bad, (unsigned long long)pc->pc_denied,
	    (unsigned long long)pc->pc_lost, (unsigned long long)pc->pc_big,
	    (unsigned long long)pu.pu_rxfull);
	kprintf("  to it %llu packets %llu bytes, checksums completed %llu, "
	    "trains cut %llu, full %llu, failed %llu\n",
	    (unsigned long long)pc->pc_txpkt,
	    (unsigned long long)pc->pc_txbyte,
	    (unsigned long long)pc->pc_completed,
	    (unsigned long long)pc->pc_cut,
	    (unsigned long long)pu.pu_txfull,
	    (unsigned long long)pu.pu_txerr);
}

static int
netdomain_show(void)
{
	char net[FWD_NAME];
	struct fwd_buf_stat fs;
	struct fwd *fw;
	unsigned int i;
	int n;

	for (i = 0; i < FWD_NPORT; i++) {
		fw = pump_get();
		if (fw == NULL)
			return -PV_ENODEV;
		netdomain_copy.port = fw->fw_port[i];
		n = fw->fw_port[i].pt_net;
		memcpy(net, n < 0 ? "none" : fw->fw_conf.co_net[n].nc_name,
		    n < 0 ? 5 : sizeof(net));
		pump_put();
		if (netdomain_copy.port.pt_used)
			netdomain_port(i, net);
		if (shell_pace())
			return 0;
	}
	fwd_buf_stat(&fs);
	kprintf("memory: %u of %u pages, %u of %u packets, refused %llu "
	    "times\n", fs.fs_npage, fs.fs_maxpage, fs.fs_nbuf, fs.fs_maxbuf,
	    (unsigned long long)fs.fs_nfail);
	return 0;
}

static int
netdomain_rules(void)
{
	const struct fwd_rule *ru = &netdomain_copy.rule;
	uint64_t npkt = 0, nbyte = 0;
	unsigned int i, n = 1;
	bool allow = false;
	struct fwd *fw;

	for (i = 0; i < n; i++) {
		fw = pump_get();
		if (fw == NULL)
			return -PV_ENODEV;
		n = fw->fw_conf.co_nrule;
		netdomain_copy.rule = fw->fw_conf.co_rule[i < n ? i : 0];
		npkt = fw->fw_conf.co_ndefault;
		nbyte = fw->fw_conf.co_bdefault;
		allow = fw->fw_conf.co_default;
		pump_put();
		if (i < n)
			kprintf("%llu packets %llu bytes  line %u: %s\n",
			    (unsigned long long)ru->ru_npkt,
			    (unsigned long long)ru->ru_nbyte, ru->ru_line,
			    ru->ru_text);
		if (shell_pace())
			return 0;
	}
	kprintf("%llu packets %llu bytes  default %s\n",
	    (unsigned long long)npkt, (unsigned long long)nbyte, allow ?
	    "allow" : "deny");
	return 0;
}

static void
netdomain_end(const struct fwd_key *ky, bool src)
{
	char text[FWD_ADDR_TEXT];

	fwd_addr_text(src ? &ky->ky_src : &ky->ky_dst, ky->ky_version, text);
	kprintf("%s %u", text, src ? ky->ky_sport : ky->ky_dport);
}

static void
netdomain_state(const struct fwd_state *st)
{
	const struct fwd_key *from = &st->st_side[0].sd_key;
	const struct fwd_key *back = &st->st_side[1].sd_key;

	kprintf("%s ", from->ky_proto == FWD_TCP ? "tcp" :
	    from->ky_proto == FWD_UDP ? "udp" : from->ky_proto == FWD_ICMP ?
	    "icmp" : from->ky_proto == FWD_ICMP6 ? "icmp6" : "ip");
	netdomain_end(from, true);
	if (!fwd_addr_eq(&from->ky_src, &back->ky_dst) ||
	    from->ky_sport != back->ky_dport) {
		kprintf(" (");
		netdomain_end(back, false);
		kprintf(")");
	}
	kprintf(" -> ");
	netdomain_end(from, false);
	kprintf(", %s, packets %llu %llu bytes %llu %llu\n",
	    fwd_state_word(st),
	    (unsigned long long)st->st_side[0].sd_npkt,
	    (unsigned long long)st->st_side[1].sd_npkt,
	    (unsigned long long)st->st_side[0].sd_nbyte,
	    (unsigned long long)st->st_side[1].sd_nbyte);
}

static int
netdomain_states(void)
{
	struct fwd_states *ss;
	unsigned int i, count = 0;
	struct fwd *fw;
	uint64_t made = 0, evicted = 0, refused = 0;

	for (i = 0; i < FWD_STATE_N; i++) {
		fw = pump_get();
		if (fw == NULL)
			return -PV_ENODEV;
		ss = &fw->fw_states;
		netdomain_copy.state = ss->ss_state[i];
		/* A free one is on no chain: its sides are not found. */
		if (fwd_state_find(ss, &ss->ss_state[i].st_side[0].sd_key) !=
		    &ss->ss_state[i].st_side[0])
			netdomain_copy.state.st_side[0].sd_key.ky_version = 0;
		count = ss->ss_count;
		made = ss->ss_nmade;
		evicted = ss->ss_nevicted;
		refused = ss->ss_nrefused;
		pump_put();
		if (netdomain_copy.state.st_side[0].sd_key.ky_version == 0)
			continue;
		netdomain_state(&netdomain_copy.state);
		if (shell_pace())
			return 0;
	}
	kprintf("%u of %u states; made %llu, made room %llu, refused %llu\n",
	    count, FWD_STATE_N, (unsigned long long)made,
	    (unsigned long long)evicted, (unsigned long long)refused);
	return 0;
}

static int
netdomain_bridge(void)
{
	const struct fwd_mac *ma = &netdomain_copy.mac;
	char name[FWD_NAME];
	unsigned int i;
	struct fwd *fw;

	for (i = 0; i < FWD_MAC_N; i++) {
		fw = pump_get();
		if (fw == NULL)
			return -PV_ENODEV;
		netdomain_copy.mac = fw->fw_mac.mt_mac[i];
		memcpy(name, fw->fw_port[ma->ma_port].pt_name, sizeof(name));
		pump_put();
		if (ma->ma_seen == 0)
			continue;
		netdomain_print_mac(ma->ma_mac);
		kprintf(" %s, %llu s ago\n", name, (unsigned long long)
		    ((arch_now() - ma->ma_seen) / NSEC_PER_SEC));
		if (shell_pace())
			return 0;
	}
	return 0;
}

static int
netdomain_neighbours(void)
{
	const struct fwd_neigh *ne = &netdomain_copy.neigh;
	char text[FWD_ADDR_TEXT];
	unsigned int i;

	for (i = 0; i < FWD_NNEIGH; i++) {
		if (!netdomain_peek(offsetof(struct fwd, fw_neigh) +
		    i * sizeof(*ne), sizeof(*ne)))
			return -PV_ENODEV;
		if (ne->ne_version == 0)
			continue;
		fwd_addr_text(&ne->ne_addr, ne->ne_version, text);
		kprintf("%s ", text);
		if (ne->ne_known)
			netdomain_print_mac(ne->ne_mac);
		else
			kprintf("not known yet, %u wait", ne->ne_nwait);
		kprintf("\n");
		if (shell_pace())
			return 0;
	}
	return 0;
}

static int
netdomain_leases(void)
{
	const struct fwd_lease *le = &netdomain_copy.lease;
	uint64_t now = arch_now();
	char text[FWD_ADDR_TEXT];
	struct fwd_addr ad;
	unsigned int i;

	for (i = 0; i < FWD_NLEASE; i++) {
		if (!netdomain_peek(offsetof(struct fwd, fw_dhcp.dh_lease) +
		    i * sizeof(*le), sizeof(*le)))
			return -PV_ENODEV;
		if (le->le_addr == 0 || le->le_until <= now)
			continue;
		fwd_addr_set(&ad, le->le_addr);
		fwd_addr_text(&ad, 4, text);
		kprintf("%s ", text);
		netdomain_print_mac(le->le_mac);
		kprintf(" %s, %llu s more\n", le->le_bound ? "leased" :
		    "offered", (unsigned long long)((le->le_until - now) /
		    NSEC_PER_SEC));
		if (shell_pace())
			return 0;
	}
	return 0;
}

static const struct {
	const char	*name;
	int		(*fn)(void);
} netdomain_words_of[] = {
	{ "ports", netdomain_show },
	{ "rules", netdomain_rules },
	{ "states", netdomain_states },
	{ "bridge", netdomain_bridge },
	{ "neighbours", netdomain_neighbours },
	{ "leases", netdomain_leases },
	{ "reload", netdomain_load }
};

static int
netdomain_cmd(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "ports";
	unsigned int i;
	int rv;

	for (i = 0; i < PV_NELEM(netdomain_words_of); i++) {
		if (argc > 2 || strcmp(netdomain_words_of[i].name, word) != 0)
			continue;
		rv = netdomain_words_of[i].fn();
		if (rv == -PV_ENODEV)
			kprintf("netdomain: nothing is forwarded here: there "
			    "are no rules in force\n");
		else if (rv != 0)
			kprintf("netdomain: the rules in force stay: the log "
			    "says why\n");
		return rv == 0 ? 0 : 1;
	}
	return shell_usage(argv);
}

const struct cmd cmd_netdomain[] = {
	{ "netdomain", "[ports|rules|states|bridge|neighbours|leases|reload]",
	    "what is forwarded between interfaces", netdomain_cmd },
	{ NULL, NULL, NULL, NULL }
};
