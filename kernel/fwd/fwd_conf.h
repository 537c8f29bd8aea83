/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_conf.h -- what a network domain is told: networks, rules, routes.
 *
 * The language is that of netdomain(8), a line for each thing.  Reading
 * fills a structure of its own, which takes the place of the one in force only
 * when all of it is good.
 */

#ifndef FWD_CONF_H
#define FWD_CONF_H

#include "fwd_addr.h"

#define FWD_NNET	8
#define FWD_NMEMBER	8
#define FWD_NRULE	128
#define FWD_NROUTE	16
#define FWD_NHOST	64
#define FWD_NAME	16
#define FWD_TEXT	80

enum fwd_how { FWD_DHCP, FWD_STATIC, FWD_NONE };

struct fwd_net_conf {
	char		 nc_name[FWD_NAME];
	char		 nc_member[FWD_NMEMBER][FWD_NAME];
	unsigned int	 nc_nmember;
	enum fwd_how	 nc_how;	/* of IPv4's address */
	struct fwd_prefix nc_addr4, nc_addr6;	/* ours; pr_version 0: none */
	bool		 nc_nat;
	struct fwd_prefix nc_natfrom;
	uint32_t	 nc_first, nc_last;	/* of DHCP's range; 0: none */
	struct fwd_addr	 nc_dns;		/* zero: as the uplink's */
	uint32_t	 nc_lease;		/* s */
};

struct fwd_rule {
	bool		 ru_allow;
	uint8_t		 ru_version, ru_proto;	/* 0: any */
	bool		 ru_ported;		/* has ports */
	char		 ru_in[FWD_NAME], ru_out[FWD_NAME];	/* "": any */
	struct fwd_prefix ru_src, ru_dst;
	uint16_t	 ru_sport[2], ru_dport[2];	/* from, to */
	unsigned int	 ru_line;
	char		 ru_text[FWD_TEXT];
	/* fwd_rule.c's: bits of ports; and what it has matched */
	uint64_t	 ru_inmask, ru_outmask;
	uint64_t	 ru_npkt, ru_nbyte;
};

struct fwd_route_conf {
	struct fwd_prefix ro_dst;
	struct fwd_addr	 ro_via;
	int		 ro_net;		/* or -1: that of ro_via */
};

struct fwd_host_conf {
	uint8_t		 ho_mac[6];
	struct fwd_addr	 ho_addr;
};

struct fwd_conf {
	struct fwd_net_conf co_net[FWD_NNET];
	unsigned int	 co_nnet;
	struct fwd_rule	 co_rule[FWD_NRULE];
	unsigned int	 co_nrule;
	struct fwd_route_conf co_route[FWD_NROUTE];
	unsigned int	 co_nroute;
	struct fwd_host_conf co_host[FWD_NHOST];
	unsigned int	 co_nhost;
	bool		 co_default;		/* allow what no rule matches */
	uint64_t	 co_ndefault, co_bdefault;	/* such packets */
};

struct fwd_conf_error {
	unsigned int	 er_line;		/* 0: the whole */
	char		 er_why[128];
};

/* One network of all interfaces, in which all is allowed.  Context: any. */
void	 fwd_conf_switch(struct fwd_conf *);
/*
 * Read rules; the text is cut up.  0, or -PV_EINVAL and why.  Context: any.
 */
int	 fwd_conf_parse(struct fwd_conf *, char *text, struct fwd_conf_error *);
/* The network of a name, or -1. */
int	 fwd_conf_net(const struct fwd_conf *, const char *name);
/* Does an interface's name match: the same, or the same up to a '*'? */
bool	 fwd_conf_match(const char *pattern, const char *name);
/* Do both say the same of networks and their addresses? */
bool	 fwd_conf_same(const struct fwd_conf *, const struct fwd_conf *);

#endif /* FWD_CONF_H */
