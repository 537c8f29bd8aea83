/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * back.c -- see back.h.
 */

#include <stdio.h>
#include <stdlib.h>

#include "back.h"

bool back_plain;
static struct back *back_self;
static struct pv_client back_client;

/* ---- stores ------------------------------------------------------------ */

static void
back_store_do(struct back_store *st, struct pv_blk_req *br)
{
	uint8_t *p = st->st_data + br->br_sect * 512;
	unsigned int i;

	switch (br->br_op) {
	case PV_BLK_READ:
	case PV_BLK_WRITE:
		for (i = 0; i < br->br_niov; i++) {
			if (br->br_op == PV_BLK_READ)
				memcpy(br->br_iov[i].iov_base, p,
				    br->br_iov[i].iov_len);
			else
				memcpy(p, br->br_iov[i].iov_base,
				    br->br_iov[i].iov_len);
			p += br->br_iov[i].iov_len;
		}
		break;
	case PV_BLK_DISCARD:
	case PV_BLK_SECURE_DISCARD:
		memset(p, 0xdd, br->br_nsect * 512);
		break;
	default:
		break;
	}
}

static void
back_store_answer(void *arg)
{
	struct back_store *st = arg;
	struct pv_blk_req *br;

	while (!st->st_hold && (br = st->st_first) != NULL) {
		st->st_first = br->br_next;
		if (st->st_first == NULL)
			st->st_last = &st->st_first;
		st->st_nheld--;
		if (st->st_error == 0)
			back_store_do(st, br);
		br->br_done(br, st->st_error);
	}
}

static int
back_store_submit(void *sc, struct pv_blk_req *br)
{
	struct back_store *st = sc;

	if (st->st_full > 0) {
		st->st_full--;
		return -PV_EAGAIN;
	}
	if (st->st_nop < sizeof(st->st_ops))
		st->st_ops[st->st_nop++] = "rwfdzs"[br->br_op];
	br->br_next = NULL;
	*st->st_last = br;
	st->st_last = &br->br_next;
	st->st_nheld++;
	pv_os_defer(&st->st_work, sim_rand(3) * 100000);
	return 0;
}

static const struct pv_blk_ops back_store_ops = {
	.bo_submit = back_store_submit
};

static int
back_vbd_open(struct pv_blk_guest *bg)
{
	struct back_store *st;

	if (strncmp(bg->bg_what, "disk", 4) != 0 || bg->bg_what[5] != '\0' ||
	    bg->bg_what[4] < '0' || bg->bg_what[4] >= '0' + BACK_NSTORE)
		return -PV_ENOENT;
	st = &back_self->bk_store[bg->bg_what[4] - '0'];
	if (st->st_refuse != 0 || st->st_guest != NULL)
		return st->st_refuse != 0 ? st->st_refuse : -PV_EBUSY;
	st->st_guest = bg;
	st->st_nopen++;
	bg->bg_blk = &st->st_blk;
	return 0;
}

static void
back_vbd_close(struct pv_blk_guest *bg)
{
	struct back_store *st = PV_CONTAINER(bg->bg_blk, struct back_store,
	    st_blk);

	if (st->st_guest != bg)
		sim_bug("a store is closed that is not open");
	st->st_guest = NULL;
	st->st_nclose++;
}

void
back_let_go(struct back_store *st)
{
	sim_enter(back_self->bk_loop.l_dom);
	st->st_hold = false;
	pv_os_defer(&st->st_work, 0);
	sim_enter(back_self->bk_front->l_dom);
}

/* ---- life -------------------------------------------------------------- */

static void
back_store_init(struct back_store *st, uint64_t nsect)
{
	st->st_last = &st->st_first;
	st->st_data = calloc(nsect, 512);
	st->st_work.pw_fn = back_store_answer;
	st->st_work.pw_arg = st;
	st->st_blk.bk_name = "disk";
	st->st_blk.bk_ops = &back_store_ops;
	st->st_blk.bk_sc = st;
	st->st_blk.bk_nsect = nsect;
	st->st_blk.bk_bsize = 512;
	st->st_blk.bk_maxio = 128 * 1024;
	st->st_blk.bk_flags = PV_BLK_CANFLUSH | PV_BLK_CANDISCARD;
}

void
back_open(struct back *bk, struct loop *front, uint64_t nsect)
{
	struct pv_xen_boot boot;
	unsigned int i;

	memset(bk, 0, sizeof(*bk));
	back_self = bk;
	bk->bk_front = front;
	for (i = 0; i < BACK_NSTORE; i++)
		back_store_init(&bk->bk_store[i], nsect);
	loop_second(&bk->bk_loop, front);
	if (!back_plain)
		loop_set(&bk->bk_loop, "blkback.persistent", "1");
	sim_enter(bk->bk_loop.l_dom);
	back_client = *loop_client;
	back_client.pc_vbd_open = back_vbd_open;
	back_client.pc_vbd_close = back_vbd_close;
	boot = sim_dom_boot(bk->bk_loop.l_dom);
	bk->bk_loop.l_attached = xen_attach(&bk->bk_loop.l_xen, &boot,
	    &back_client);
	sim_enter(front->l_dom);
}

void
back_close(struct back *bk)
{
	unsigned int i;

	loop_detach(&bk->bk_loop);
	for (i = 0; i < BACK_NSTORE; i++) {
		sim_enter(bk->bk_loop.l_dom);
		pv_os_cancel(&bk->bk_store[i].st_work);
		free(bk->bk_store[i].st_data);
	}
	sim_enter(bk->bk_front->l_dom);
}

/* ---- the toolstack ----------------------------------------------------- */

static unsigned int
back_vdev(unsigned int n)
{
	return 51712 + 16 * n;
}

static void
back_path(char *path, size_t size, unsigned int n, const char *key)
{
	snprintf(path, size, "/local/domain/2/backend/vbd/1/%u%s%s",
	    back_vdev(n), *key == '\0' ? "" : "/", key);
}

void
back_front(struct back *bk, char *path, size_t size, unsigned int n,
    const char *key)
{
	snprintf(path, size, "/local/domain/1/%s/vbd/%u%s%s",
	    bk->bk_hidden ? "data" : "device", back_vdev(n),
	    *key == '\0' ? "" : "/", key);
}

const char *
back_key(struct back *bk, unsigned int n, const char *key)
{
	char path[96];

	back_path(path, sizeof(path), n, key);
	return sim_store_read(bk->bk_front->l_sim, path);
}

static void
back_write(struct back *bk, unsigned int n, const char *key, const char *val)
{
	char path[96];

	back_path(path, sizeof(path), n, key);
	sim_store_write(bk->bk_front->l_sim, path, "%s", val);
}

void
back_plug(struct back *bk, unsigned int n, const char *mode)
{
	struct sim *s = bk->bk_front->l_sim;
	char back[96], front[96], path[96], what[8];

	back_path(back, sizeof(back), n, "");
	back_front(bk, front, sizeof(front), n, "");
	sim_store_write(s, front, "%s", "");
	sim_store_chown(s, front, 1);
	sim_store_write(s, back, "%s", "");
	sim_store_chown(s, back, 2);
	back_front(bk, path, sizeof(path), n, "virtual-device");
	sim_store_write(s, path, "%u", back_vdev(n));
	back_front(bk, path, sizeof(path), n, "backend-id");
	sim_store_write(s, path, "2");
	back_front(bk, path, sizeof(path), n, "state");
	sim_store_write(s, path, "1");
	back_front(bk, path, sizeof(path), n, "backend");
	sim_store_write(s, path, "%s", back);
	snprintf(what, sizeof(what), "disk%u", n);
	back_write(bk, n, "params", what);
	back_write(bk, n, "mode", mode);
	back_write(bk, n, "device-type", "disk");
	back_write(bk, n, "online", "1");
	back_write(bk, n, "state", "1");
	back_write(bk, n, "frontend-id", "1");
	back_write(bk, n, "frontend", front);
}

void
back_unplug(struct back *bk, unsigned int n)
{
	back_write(bk, n, "online", "0");
	back_write(bk, n, "state", "5");
}

struct back_gone {
	struct back	*bg_back;
	unsigned int	 bg_n;
};

static bool
back_gone(void *arg)
{
	struct back_gone *bg = arg;

	return back_key(bg->bg_back, bg->bg_n, "state") == NULL;
}

bool
back_unplugged(struct back *bk, unsigned int n)
{
	struct back_gone bg = { bk, n };
	char path[96];

	if (!sim_until(bk->bk_front->l_sim, back_gone, &bg, 60 * SIM_S))
		return false;
	back_front(bk, path, sizeof(path), n, "");
	sim_store_rm(bk->bk_front->l_sim, path);
	return true;
}
