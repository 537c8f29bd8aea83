/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_state.c -- see fwd_state.h.
 * Source: RFC 5382, 4787, 5508 for how long.
 */

#include <string.h>

#include "fwd_state.h"

#define FWD_STATE_SEC	1000000000ull

/* ---- keys -------------------------------------------------------------- */

void
fwd_state_key(struct fwd_key *ky, const struct fwd_hdr *hd, unsigned int net)
{
	memset(ky, 0, sizeof(*ky));
	ky->ky_src = hd->hd_src;
	ky->ky_dst = hd->hd_dst;
	ky->ky_sport = hd->hd_sport;
	ky->ky_dport = hd->hd_dport;
	ky->ky_net = (uint8_t)net;
	ky->ky_version = hd->hd_version;
	ky->ky_proto = hd->hd_proto;
}

void
fwd_state_mirror(struct fwd_key *to, const struct fwd_key *ky,
    unsigned int net)
{
	*to = *ky;
	to->ky_src = ky->ky_dst;
	to->ky_dst = ky->ky_src;
	to->ky_sport = ky->ky_dport;
	to->ky_dport = ky->ky_sport;
	to->ky_net = (uint8_t)net;
}

static unsigned int
fwd_state_hash(const struct fwd_states *ss, const struct fwd_key *ky)
{
	const uint8_t *p = (const uint8_t *)ky;
	uint32_t h = ss->ss_salt, w;
	size_t i;

	_Static_assert(sizeof(*ky) % 4 == 0, "whole words");
	for (i = 0; i < sizeof(*ky); i += 4) {
		memcpy(&w, p + i, 4);
		h = (h ^ w) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	return h % FWD_STATE_HASH;
}

struct fwd_side *
fwd_state_find(const struct fwd_states *ss, const struct fwd_key *ky)
{
	struct fwd_side *sd = ss->ss_hash[fwd_state_hash(ss, ky)];

	while (sd != NULL && memcmp(&sd->sd_key, ky, sizeof(*ky)) != 0)
		sd = sd->sd_next;
	return sd;
}

/* ---- life -------------------------------------------------------------- */

void
fwd_state_init(struct fwd_states *ss, struct fwd_state *mem, uint32_t salt)
{
	unsigned int i;

	memset(ss, 0, sizeof(*ss));
	ss->ss_state = mem;
	ss->ss_salt = salt;
	list_init(&ss->ss_free);
	list_init(&ss->ss_weak);
	list_init(&ss->ss_strong);
	for (i = 0; i < FWD_STATE_N; i++)
		list_append(&ss->ss_free, &mem[i].st_link);
}

static void
fwd_state_insert(struct fwd_states *ss, struct fwd_side *sd)
{
	struct fwd_side **head = &ss->ss_hash[fwd_state_hash(ss, &sd->sd_key)];

	sd->sd_next = *head;
	*head = sd;
}

static void
fwd_state_remove(struct fwd_states *ss, struct fwd_side *sd)
{
	struct fwd_side **p = &ss->ss_hash[fwd_state_hash(ss, &sd->sd_key)];

	while (*p != sd)
		p = &(*p)->sd_next;
	*p = sd->sd_next;
}

void
fwd_state_drop(struct fwd_states *ss, struct fwd_state *st)
{
	fwd_state_remove(ss, &st->st_side[0]);
	fwd_state_remove(ss, &st->st_side[1]);
	list_remove(&st->st_link);
	list_append(&ss->ss_free, &st->st_link);
	ss->ss_count--;
	ss->ss_ofport[st->st_port]--;
}

/* Room for one more, if need be of the oldest that nobody answered. */
static struct fwd_state *
fwd_state_room(struct fwd_states *ss, unsigned int port)
{
	struct list *li;

	if (ss->ss_ofport[port] >= FWD_STATE_N / 2)
		return NULL;
	if (list_empty(&ss->ss_free) && !list_empty(&ss->ss_weak)) {
		li = ss->ss_weak.li_next;
		fwd_state_drop(ss, LIST_ENTRY(li, struct fwd_state, st_link));
		ss->ss_nevicted++;
	}
	li = list_pop(&ss->ss_free);
	return li == NULL ? NULL : LIST_ENTRY(li, struct fwd_state, st_link);
}

struct fwd_state *
fwd_state_make(struct fwd_states *ss, const struct fwd_key key[2],
    unsigned int port, uint64_t now)
{
	struct fwd_state *st;
	unsigned int i;

	if (fwd_state_find(ss, &key[0]) != NULL ||
	    fwd_state_find(ss, &key[1]) != NULL)
		return NULL;
	st = fwd_state_room(ss, port);
	if (st == NULL) {
		ss->ss_nrefused++;
		return NULL;
	}
	memset(st, 0, sizeof(*st));
	for (i = 0; i < 2; i++) {
		st->st_side[i].sd_key = key[i];
		st->st_side[i].sd_index = (uint8_t)i;
		fwd_state_insert(ss, &st->st_side[i]);
	}
	st->st_seen = now;
	st->st_port = (uint8_t)port;
	st->st_rule = FWD_STATE_NORULE;
	st->st_flags = FWD_STATE_WEAK;
	list_append(&ss->ss_weak, &st->st_link);
	ss->ss_count++;
	ss->ss_ofport[port]++;
	ss->ss_nmade++;
	return st;
}

/* TCP: what a packet's flags say of the connection. */
static void
fwd_state_tcp(struct fwd_state *st, struct fwd_side *sd, uint8_t flags)
{
	if ((flags & FWD_TCP_SYN) != 0 && sd->sd_index == 0) {
		/* The same ports again. */
		st->st_flags &= (uint8_t)~FWD_STATE_ENDING;
		st->st_side[0].sd_fin = st->st_side[1].sd_fin = false;
	}
	if ((flags & FWD_TCP_FIN) != 0)
		sd->sd_fin = true;
	if ((flags & FWD_TCP_RST) != 0 ||
	    (st->st_side[0].sd_fin && st->st_side[1].sd_fin))
		st->st_flags |= FWD_STATE_ENDING;
}

void
fwd_state_pass(struct fwd_states *ss, struct fwd_side *sd,
    const struct fwd_hdr *hd, uint64_t now)
{
	struct fwd_state *st = fwd_state_of(sd);

	sd->sd_npkt++;
	sd->sd_nbyte += hd->hd_end - hd->hd_l3;
	st->st_seen = now;
	if (sd->sd_index == 1)
		st->st_flags |= FWD_STATE_REPLIED;
	if (hd->hd_proto == FWD_TCP)
		fwd_state_tcp(st, sd, hd->hd_tcp);
	list_remove(&st->st_link);
	if ((st->st_flags & FWD_STATE_REPLIED) != 0 &&
	    (st->st_flags & FWD_STATE_ENDING) == 0) {
		st->st_flags &= (uint8_t)~FWD_STATE_WEAK;
		list_append(&ss->ss_strong, &st->st_link);
	} else {
		st->st_flags |= FWD_STATE_WEAK;
		list_append(&ss->ss_weak, &st->st_link);
	}
}

/* For how long a state lives without a packet. */
static uint64_t
fwd_state_time(const struct fwd_state *st)
{
	bool replied = (st->st_flags & FWD_STATE_REPLIED) != 0;

	switch (st->st_side[0].sd_key.ky_proto) {
	case FWD_TCP:
		if ((st->st_flags & FWD_STATE_ENDING) != 0)
			return 30 * FWD_STATE_SEC;
		return (replied ? 7440 : 60) * FWD_STATE_SEC;
	case FWD_UDP:
		return (replied ? 300 : 30) * FWD_STATE_SEC;
	case FWD_ICMP:
	case FWD_ICMP6:
		return 60 * FWD_STATE_SEC;
	default:
		return (replied ? 600 : 60) * FWD_STATE_SEC;
	}
}

/* Drop of all states those that are over or, with port, that are its own. */
static void
fwd_state_sweep(struct fwd_states *ss, struct list *head, int port,
    uint64_t now)
{
	struct list *li, *next;
	struct fwd_state *st;

	LIST_FOREACH_SAFE(li, next, head) {
		st = LIST_ENTRY(li, struct fwd_state, st_link);
		if (port >= 0 ? st->st_port == port :
		    now - st->st_seen > fwd_state_time(st))
			fwd_state_drop(ss, st);
	}
}

void
fwd_state_expire(struct fwd_states *ss, uint64_t now)
{
	fwd_state_sweep(ss, &ss->ss_weak, -1, now);
	fwd_state_sweep(ss, &ss->ss_strong, -1, now);
}

void
fwd_state_forget(struct fwd_states *ss, unsigned int port)
{
	fwd_state_sweep(ss, &ss->ss_weak, (int)port, 0);
	fwd_state_sweep(ss, &ss->ss_strong, (int)port, 0);
}

const char *
fwd_state_word(const struct fwd_state *st)
{
	if ((st->st_flags & FWD_STATE_ENDING) != 0)
		return "ending";
	return (st->st_flags & FWD_STATE_REPLIED) != 0 ? "open" : "new";
}

/* ---- fragments --------------------------------------------------------- */

void
fwd_state_frag(struct fwd_states *ss, const struct fwd_frag *new, uint64_t now)
{
	struct fwd_frag *fg = &ss->ss_frag[ss->ss_nextfrag];

	ss->ss_nextfrag = (ss->ss_nextfrag + 1) % FWD_STATE_NFRAG;
	*fg = *new;
	fg->fg_key.ky_sport = fg->fg_key.ky_dport = 0;
	fg->fg_until = now + 30 * FWD_STATE_SEC;
}

const struct fwd_frag *
fwd_state_fragof(const struct fwd_states *ss, const struct fwd_key *ky,
    uint32_t id, uint64_t now)
{
	const struct fwd_frag *fg;

	for (fg = ss->ss_frag; fg < ss->ss_frag + FWD_STATE_NFRAG; fg++) {
		if (fg->fg_until > now && fg->fg_id == id &&
		    memcmp(&fg->fg_key, ky, sizeof(*ky)) == 0)
			return fg;
	}
	return NULL;
}
