/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nback.c -- see nback.h.
 */

#include <stdio.h>

#include "nback.h"

static struct pv_client nback_client;

/* ---- life -------------------------------------------------------------- */

void
nback_begin(struct nback *nb, struct loop *front)
{
	memset(nb, 0, sizeof(*nb));
	nb->nb_front = front;
	loop_second(&nb->nb_loop, front);
}

void
nback_attach(struct nback *nb)
{
	struct pv_xen_boot boot;

	sim_enter(nb->nb_loop.l_dom);
	nback_client = *loop_client;
	nback_client.pc_serves_nets = true;
	boot = sim_dom_boot(nb->nb_loop.l_dom);
	nb->nb_loop.l_attached = xen_attach(&nb->nb_loop.l_xen, &boot,
	    &nback_client);
	sim_enter(nb->nb_front->l_dom);
}

void
nback_close(struct nback *nb)
{
	loop_detach(&nb->nb_loop);
	sim_enter(nb->nb_front->l_dom);
	assert_int_equal(nb->nb_loop.l_nerr, 0);
	assert_int_equal(nb->nb_loop.l_nnet, 0);
}

int
nback_send(struct nback *nb, struct loop_pkt *lp, void *buf, size_t len,
    unsigned int npiece)
{
	int rv;

	sim_enter(nb->nb_loop.l_dom);
	rv = loop_send(nb->nb_loop.l_net[0], lp, buf, len, npiece);
	sim_enter(nb->nb_front->l_dom);
	return rv;
}

/* ---- the toolstack ----------------------------------------------------- */

static void
nback_path(char *path, size_t size, unsigned int n, const char *key)
{
	snprintf(path, size, "/local/domain/2/backend/vif/1/%u%s%s", n,
	    *key == '\0' ? "" : "/", key);
}

void
nback_front(struct nback *nb, char *path, size_t size, unsigned int n,
    const char *key)
{
	snprintf(path, size, "/local/domain/1/%s/vif/%u%s%s",
	    nb->nb_hidden ? "data" : "device", n, *key == '\0' ? "" : "/",
	    key);
}

const char *
nback_key(struct nback *nb, unsigned int n, const char *key)
{
	char path[96];

	nback_path(path, sizeof(path), n, key);
	return sim_store_read(nb->nb_front->l_sim, path);
}

static void
nback_write(struct nback *nb, unsigned int n, const char *key,
    const char *val)
{
	char path[96];

	nback_path(path, sizeof(path), n, key);
	sim_store_write(nb->nb_front->l_sim, path, "%s", val);
}

static void
nback_write_front(struct nback *nb, unsigned int n, const char *key,
    const char *val)
{
	char path[96];

	nback_front(nb, path, sizeof(path), n, key);
	sim_store_write(nb->nb_front->l_sim, path, "%s", val);
}

void
nback_plug(struct nback *nb, unsigned int n, const char *const *keys)
{
	struct sim *s = nb->nb_front->l_sim;
	char back[96], front[96], mac[24];

	nback_path(back, sizeof(back), n, "");
	nback_front(nb, front, sizeof(front), n, "");
	snprintf(mac, sizeof(mac), "00:16:3e:00:00:%02x", n);
	sim_store_write(s, front, "%s", "");
	sim_store_chown(s, front, 1);
	sim_store_write(s, back, "%s", "");
	sim_store_chown(s, back, 2);
	nback_write_front(nb, n, "mac", mac);
	nback_write_front(nb, n, "backend-id", "2");
	nback_write_front(nb, n, "state", "1");
	nback_write_front(nb, n, "backend", back);
	nback_write(nb, n, "mac", mac);
	nback_write(nb, n, "online", "1");
	for (; keys != NULL && *keys != NULL; keys += 2)
		nback_write(nb, n, keys[0], keys[1]);
	nback_write(nb, n, "state", "1");
	nback_write(nb, n, "frontend-id", "1");
	nback_write(nb, n, "frontend", front);
}

void
nback_unplug(struct nback *nb, unsigned int n)
{
	nback_write(nb, n, "online", "0");
	nback_write(nb, n, "state", "5");
}

struct nback_wait {
	struct nback	*nw_back;
	unsigned int	 nw_n;
};

static bool
nback_gone(void *arg)
{
	struct nback_wait *nw = arg;

	return nback_key(nw->nw_back, nw->nw_n, "state") == NULL;
}

bool
nback_unplugged(struct nback *nb, unsigned int n)
{
	struct nback_wait nw = { nb, n };
	char path[96];

	if (!sim_until(nb->nb_front->l_sim, nback_gone, &nw, 60 * SIM_S))
		return false;
	nback_front(nb, path, sizeof(path), n, "");
	sim_store_rm(nb->nb_front->l_sim, path);
	return true;
}

static bool
nback_both(void *arg)
{
	struct nback_wait *nw = arg;

	return nw->nw_back->nb_loop.l_nnet == nw->nw_n &&
	    nw->nw_back->nb_front->l_nnet == nw->nw_n;
}

bool
nback_up(struct nback *nb, unsigned int n)
{
	struct nback_wait nw = { nb, n };

	return sim_until(nb->nb_front->l_sim, nback_both, &nw, 60 * SIM_S);
}
