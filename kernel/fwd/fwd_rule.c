/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_rule.c -- see fwd_rule.h.
 */

#include <string.h>

#include "fwd_rule.h"

/* Does a rule's word mean that port? */
static bool
fwd_rule_means(const struct fwd_conf *co, const char *word,
    const struct fwd_port *pt)
{
	int net = fwd_conf_net(co, word);

	if (word[0] == '\0')
		return true;
	if (strcmp(word, "self") == 0)
		return pt->pt_self;
	if (pt->pt_self)
		return false;
	if (net >= 0)
		return pt->pt_net == net;
	return fwd_conf_match(word, pt->pt_name);
}

void
fwd_rule_ports(struct fwd *fw)
{
	struct fwd_conf *co = &fw->fw_conf;
	struct fwd_rule *ru;
	unsigned int i;

	for (ru = co->co_rule; ru < co->co_rule + co->co_nrule; ru++) {
		ru->ru_inmask = ru->ru_outmask = 0;
		for (i = 0; i < FWD_NPORT; i++) {
			if (!fw->fw_port[i].pt_used)
				continue;
			if (fwd_rule_means(co, ru->ru_in, &fw->fw_port[i]))
				ru->ru_inmask |= 1ull << i;
			if (fwd_rule_means(co, ru->ru_out, &fw->fw_port[i]))
				ru->ru_outmask |= 1ull << i;
		}
	}
}

static bool
fwd_rule_matches(const struct fwd_rule *ru, const struct fwd_hdr *hd,
    uint64_t in, uint64_t out)
{
	if ((ru->ru_inmask & in) == 0 || (ru->ru_outmask & out) == 0 ||
	    (ru->ru_version != 0 && ru->ru_version != hd->hd_version) ||
	    (ru->ru_proto != 0 && ru->ru_proto != hd->hd_proto) ||
	    !fwd_addr_in(&ru->ru_src, &hd->hd_src, hd->hd_version) ||
	    !fwd_addr_in(&ru->ru_dst, &hd->hd_dst, hd->hd_version))
		return false;
	return !ru->ru_ported || (hd->hd_l4 != 0 &&
	    hd->hd_sport >= ru->ru_sport[0] &&
	    hd->hd_sport <= ru->ru_sport[1] &&
	    hd->hd_dport >= ru->ru_dport[0] &&
	    hd->hd_dport <= ru->ru_dport[1]);
}

bool
fwd_rule_allows(struct fwd *fw, const struct fwd_hdr *hd, unsigned int in,
    unsigned int out, uint16_t *rule)
{
	struct fwd_conf *co = &fw->fw_conf;
	uint32_t len = hd->hd_end - hd->hd_l3;
	struct fwd_rule *ru;
	unsigned int i;

	for (i = 0; i < co->co_nrule; i++) {
		ru = &co->co_rule[i];
		if (!fwd_rule_matches(ru, hd, 1ull << in, 1ull << out))
			continue;
		ru->ru_npkt++;
		ru->ru_nbyte += len;
		*rule = (uint16_t)i;
		return ru->ru_allow;
	}
	co->co_ndefault++;
	co->co_bdefault += len;
	*rule = FWD_STATE_NORULE;
	return co->co_default;
}
