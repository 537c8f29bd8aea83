/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c -- see loop.h.
 */

#include <stdio.h>
#include <stdlib.h>

#include "loop.h"

#define LOOP_PATIENCE	(60 * SIM_S)
#define LOOP_NPOINT	3000	/* more than any scene has */

static struct loop *loop_all[2];	/* one for each guest */

/* Whose call back it is: that of the domain that runs. */
static struct loop *
loop_self(void)
{
	if (loop_all[1] != NULL && loop_all[1]->l_dom == sim_current())
		return loop_all[1];
	return loop_all[0];
}

/* ---- the client -------------------------------------------------------- */

static void
loop_blk_up(struct pv_blk *bk)
{
	struct loop *l = loop_self();
	unsigned int i;

	for (i = 0; i < LOOP_NDEV && l->l_blk[i] != NULL; i++) {
		if (l->l_blk[i] == bk)
			l->l_nerr++;
	}
	if (i == LOOP_NDEV) {
		l->l_nerr++;
		return;
	}
	l->l_blk[i] = bk;
	l->l_nblk++;
	l->l_nblkup++;
}

static void
loop_blk_down(struct pv_blk *bk)
{
	struct loop *l = loop_self();
	unsigned int i;

	for (i = 0; i < LOOP_NDEV && l->l_blk[i] != bk; i++)
		;
	if (i == LOOP_NDEV) {
		l->l_nerr++;
		return;
	}
	l->l_blk[i] = NULL;
	l->l_nblk--;
}

static void
loop_blk_resized(struct pv_blk *bk)
{
	loop_self()->l_nresized++;
}

static void
loop_recv(struct pv_net *nt, const struct pv_net_pkt *np)
{
	struct loop *l = loop_self();
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < np->np_niov; i++) {
		if (at + np->np_iov[i].iov_len > sizeof(l->l_frame)) {
			l->l_nerr++;
			return;
		}
		memcpy(l->l_frame + at, np->np_iov[i].iov_base,
		    np->np_iov[i].iov_len);
		at += np->np_iov[i].iov_len;
	}
	if (at != np->np_len)
		l->l_nerr++;
	l->l_framelen = at;
	l->l_frameflags = np->np_flags;
	l->l_framegso = np->np_gso_size;
	l->l_frametype = np->np_gso_type;
	l->l_nframe++;
	for (i = 0; i < at && l->l_sum; i++)
		l->l_framesum += l->l_frame[i];
}

static void
loop_net_change(struct pv_net *nt)
{
	loop_self()->l_nchange++;
}

static void
loop_net_announce(struct pv_net *nt)
{
	loop_self()->l_nannounce++;
}

static void
loop_net_up(struct pv_net *nt)
{
	struct loop *l = loop_self();
	unsigned int i;

	for (i = 0; i < LOOP_NDEV && l->l_net[i] != NULL; i++)
		;
	if (i == LOOP_NDEV) {
		l->l_nerr++;
		return;
	}
	nt->nt_recv = loop_recv;
	nt->nt_change = loop_net_change;
	nt->nt_announce = loop_net_announce;
	l->l_net[i] = nt;
	l->l_nnet++;
	l->l_nnetup++;
}

static void
loop_net_down(struct pv_net *nt)
{
	struct loop *l = loop_self();
	unsigned int i;

	for (i = 0; i < LOOP_NDEV && l->l_net[i] != nt; i++)
		;
	if (i == LOOP_NDEV) {
		l->l_nerr++;
		return;
	}
	l->l_net[i] = NULL;
	l->l_nnet--;
}

static size_t
loop_cons_recv(struct pv_cons *cn, const char *buf, size_t len)
{
	struct loop *l = loop_self();

	if (len > l->l_take)
		len = l->l_take;
	if (len > LOOP_INPUT - l->l_ninput)
		len = LOOP_INPUT - l->l_ninput;
	memcpy(l->l_input + l->l_ninput, buf, len);
	l->l_ninput += len;
	return len;
}

static void
loop_cons_ready(struct pv_cons *cn)
{
	loop_self()->l_nready++;
}

static void
loop_cons_up(struct pv_cons *cn)
{
	struct loop *l = loop_self();
	struct pv_cons **mine = l->l_cons == NULL ? &l->l_cons : &l->l_line;

	if (*mine != NULL)
		l->l_nerr++;
	cn->cn_recv = loop_cons_recv;
	cn->cn_ready = loop_cons_ready;
	*mine = cn;
}

static void
loop_cons_down(struct pv_cons *cn)
{
	struct loop *l = loop_self();
	struct pv_cons **mine = l->l_cons == cn ? &l->l_cons : &l->l_line;

	if (*mine != cn)
		l->l_nerr++;
	*mine = NULL;
}

static void
loop_control(enum pv_control_op op)
{
	struct loop *l = loop_self();

	if (l->l_nctl < LOOP_NCTL)
		l->l_ctl[l->l_nctl] = op;
	l->l_nctl++;
}

static void
loop_sysrq(char key)
{
	loop_self()->l_key = key;
}

static const char *
loop_setting(const char *name)
{
	struct loop *l = loop_self();
	unsigned int i;

	for (i = 0; i < l->l_nset; i++) {
		if (strcmp(l->l_set[i][0], name) == 0)
			return l->l_set[i][1];
	}
	return NULL;
}

void
loop_set(struct loop *l, const char *name, const char *value)
{
	assert_in_range(l->l_nset, 0, LOOP_NSET - 1);
	l->l_set[l->l_nset][0] = name;
	l->l_set[l->l_nset++][1] = value;
}

static void
loop_rng_recv(struct pv_rng *rn, const uint8_t *buf, size_t len)
{
	loop_self()->l_nrandom += len;
}

static void
loop_rng_up(struct pv_rng *rn)
{
	rn->rn_recv = loop_rng_recv;
	loop_self()->l_rng = rn;
}

static void
loop_rng_down(struct pv_rng *rn)
{
	if (loop_self()->l_rng != rn)
		loop_self()->l_nerr++;
	loop_self()->l_rng = NULL;
}

/* A page of a PV guest that waits for its frame. */
static void *
loop_balloon_hollow(struct loop *l)
{
	void *va;

	if (l->l_hollow == 0)
		return NULL;
	va = pv_os_pages_alloc(1);
	if (va == NULL || pv_os_rebind(va, GFN_NONE) != 0)
		l->l_nerr++;
	l->l_hollow--;
	return va;
}

static void *
loop_balloon_get(struct pv_balloon *bl, enum pv_balloon_why why,
    unsigned int *npgp)
{
	struct loop *l = loop_self();

	if (why == PV_BALLOON_HOLLOW)
		return loop_balloon_hollow(l);
	*npgp = why == PV_BALLOON_FILL ? 1 : 4;
	if (l->l_spare < *npgp)
		return NULL;
	l->l_spare -= *npgp;
	return pv_os_pages_alloc(*npgp);
}

static void
loop_balloon_put(struct pv_balloon *bl, enum pv_balloon_why why, void *va,
    unsigned int npg)
{
	if (why == PV_BALLOON_FILL)
		loop_self()->l_spare += npg;
	pv_os_pages_free(va, npg);
}

static void
loop_balloon_stat(struct pv_balloon *bl, struct pv_balloon_stat *bs)
{
	bs->bs_free = 4096ull * loop_self()->l_spare;
	bs->bs_total = 1 << 20;
	bs->bs_cached = 0;
}

static void
loop_balloon_up(struct pv_balloon *bl)
{
	bl->bl_put = loop_balloon_put;
	bl->bl_stat = loop_balloon_stat;
	bl->bl_get = loop_balloon_get;
	loop_self()->l_balloon = bl;
}

static void
loop_balloon_down(struct pv_balloon *bl)
{
	if (loop_self()->l_balloon != bl)
		loop_self()->l_nerr++;
	bl->bl_get = NULL;
	loop_self()->l_balloon = NULL;
}

static const struct pv_client loop_the_client = {
	.pc_rng_up = loop_rng_up,
	.pc_rng_down = loop_rng_down,
	.pc_balloon_up = loop_balloon_up,
	.pc_balloon_down = loop_balloon_down,
	.pc_blk_up = loop_blk_up,
	.pc_blk_down = loop_blk_down,
	.pc_blk_resized = loop_blk_resized,
	.pc_net_up = loop_net_up,
	.pc_net_down = loop_net_down,
	.pc_cons_up = loop_cons_up,
	.pc_cons_down = loop_cons_down,
	.pc_control = loop_control,
	.pc_sysrq = loop_sysrq,
	.pc_suspends = true,
	.pc_setting = loop_setting,
	.pc_ncpu = 4
};
const struct pv_client *const loop_client = &loop_the_client;

/* ---- life -------------------------------------------------------------- */

void
loop_open(struct loop *l, uint64_t seed, unsigned int flags)
{
	memset(l, 0, sizeof(*l));
	l->l_take = LOOP_INPUT;
	l->l_attached = -PV_ENODEV;
	loop_all[0] = l;
	loop_all[1] = NULL;
	l->l_sim = sim_open(seed, flags);
	l->l_dom = sim_dom_create(l->l_sim, 1);
	l->l_xen.x_seam = l->l_dom;
}

void
loop_second(struct loop *l, struct loop *first)
{
	memset(l, 0, sizeof(*l));
	l->l_take = LOOP_INPUT;
	l->l_attached = -PV_ENODEV;
	loop_all[1] = l;
	l->l_sim = first->l_sim;
	l->l_dom = sim_dom_create(l->l_sim, 2);
	l->l_xen.x_seam = l->l_dom;
}

int
loop_attach(struct loop *l)
{
	struct pv_xen_boot boot = sim_dom_boot(l->l_dom);

	sim_enter(l->l_dom);
	l->l_attached = xen_attach(&l->l_xen, &boot, loop_client);
	return l->l_attached;
}

void
loop_detach(struct loop *l)
{
	sim_enter(l->l_dom);
	if (l->l_attached == 0)
		xen_detach(&l->l_xen);
	l->l_attached = -PV_ENODEV;
}

void
loop_close(struct loop *l)
{
	unsigned int nbug;

	loop_detach(l);
	nbug = sim_close(l->l_sim);
	assert_int_equal(nbug, 0);
	assert_int_equal(l->l_nerr, 0);
	assert_int_equal(l->l_nblk, 0);
	assert_int_equal(l->l_nnet, 0);
	assert_null(l->l_cons);
}

unsigned int
loop_flags(uint64_t seed)
{
	return (seed & 1 ? SIM_PV : 0) | (seed & 2 ? SIM_XS_OFFSET : 0) |
	    (seed & 4 ? SIM_REORDER : 0) | (seed % 8 == 0 ? SIM_CALM : 0) |
	    (seed % 3 == 0 ? SIM_2L : 0);
}

static bool
loop_runs(unsigned int vcpu)
{
	return vcpu < LOOP_NVCPU;
}

void
loop_spread(struct loop *l)
{
	unsigned int i;

	for (i = 1; i < LOOP_NVCPU; i++)
		assert_int_equal(evtchn_cpu_attach(&l->l_xen, i), 0);
	evtchn_cpu_balance(&l->l_xen, loop_runs);
}

void
loop_alone(struct loop *l)
{
	unsigned int i;

	for (i = 1; i < LOOP_NVCPU; i++)
		evtchn_cpu_detach(&l->l_xen, i);
}

static void
loop_one(const char *name, void (*body)(struct loop *), uint64_t seed)
{
	static struct loop l;

	fprintf(stderr, "%s: SIM_SEED=%llu\n", name, (unsigned long long)seed);
	loop_open(&l, seed, loop_flags(seed));
	if (seed % 4 == 2)
		sim_dom_vcpus(l.l_dom, LOOP_NVCPU);
	assert_int_equal(loop_attach(&l), 0);
	if (seed % 4 == 2)
		loop_spread(&l);
	body(&l);
	loop_close(&l);
}

void
loop_seeds(const char *name, void (*body)(struct loop *))
{
	const char *one = getenv("SIM_SEED"), *many = getenv("SIM_SEEDS");
	unsigned long long n = many == NULL ? 8 : strtoull(many, NULL, 10);
	uint64_t seed;

	if (one != NULL) {
		loop_one(name, body, strtoull(one, NULL, 10));
		return;
	}
	for (seed = 1; seed <= n; seed++)
		loop_one(name, body, seed);
}

/* One point; true: it was reached. */
static bool
loop_point(unsigned int n, unsigned int flags, bool attached,
    void (*scene)(struct loop *))
{
	static struct loop l;
	bool failed;
	int rv;

	loop_open(&l, n, flags);
	sim_fail_at(l.l_sim, attached ? 0 : n);
	rv = loop_attach(&l);
	if (attached)
		sim_fail_at(l.l_sim, n);
	if (rv == 0)
		scene(&l);
	failed = sim_failed(l.l_sim);
	/* Where nothing fails all must go well. */
	if (attached || !failed)
		assert_int_equal(rv, 0);
	loop_close(&l);
	return failed;
}

void
loop_points(const char *name, unsigned int flags, bool attached,
    void (*scene)(struct loop *))
{
	const char *one = getenv("SIM_POINT");
	unsigned int n = one == NULL ? 1 : (unsigned int)atoi(one);

	for (; n < LOOP_NPOINT; n++) {
		fprintf(stderr, "%s: SIM_POINT=%u\n", name, n);
		if (!loop_point(n, flags, attached, scene))
			break;
		if (one != NULL)
			return;
	}
	fprintf(stderr, "%s: %u points\n", name, n - 1);
	if (one == NULL)
		assert_in_range(n, attached ? 30 : 10, LOOP_NPOINT - 1);
}

/* ---- waiting ----------------------------------------------------------- */

struct loop_cond {
	struct loop	*co_l;
	bool		(*co_fn)(struct loop *);
	unsigned int	*co_count, co_want;
	const char	*co_name, *co_state;
};

static bool
loop_counted(void *arg)
{
	struct loop_cond *co = arg;

	return *co->co_count == co->co_want;
}

bool
loop_blks(struct loop *l, unsigned int n)
{
	struct loop_cond co = { .co_count = &l->l_nblk, .co_want = n };

	return sim_until(l->l_sim, loop_counted, &co, LOOP_PATIENCE);
}

bool
loop_nets(struct loop *l, unsigned int n)
{
	struct loop_cond co = { .co_count = &l->l_nnet, .co_want = n };

	return sim_until(l->l_sim, loop_counted, &co, LOOP_PATIENCE);
}

static bool
loop_called(void *arg)
{
	struct loop_cond *co = arg;

	return co->co_fn(co->co_l);
}

bool
loop_until(struct loop *l, bool (*fn)(struct loop *))
{
	struct loop_cond co = { .co_l = l, .co_fn = fn };

	return sim_until(l->l_sim, loop_called, &co, LOOP_PATIENCE);
}

struct pv_dev_info
loop_info(struct loop *l, const char *name)
{
	struct pv_dev_info di;
	unsigned int n;

	for (n = 0; pv_dev_info(n, &di) == 0; n++) {
		if (strcmp(di.di_name, name) == 0)
			return di;
	}
	memset(&di, 0, sizeof(di));
	di.di_state = "";
	return di;
}

const char *
loop_state(struct loop *l, const char *name)
{
	return loop_info(l, name).di_state;
}

struct pv_totals
loop_totals(struct loop *l)
{
	struct pv_totals pt;

	memset(&pt, 0, sizeof(pt));
	evtchn_totals(&l->l_xen, &pt);
	gnttab_totals(&l->l_xen, &pt);
	xs_totals(&l->l_xen, &pt);
	return pt;
}

/* Polls by time: looking takes the library's locks. */
bool
loop_wait_state(struct loop *l, const char *name, const char *state)
{
	unsigned int i;

	for (i = 0; i < 6000; i++) {
		if (strcmp(loop_state(l, name), state) == 0)
			return true;
		sim_run(l->l_sim, 10 * SIM_MS);
	}
	return false;
}

bool
loop_gone(struct loop *l, const char *name)
{
	char path[80], slash[32];

	snprintf(path, sizeof(path), "/local/domain/1/device/%s", name);
	if (sim_store_exists(l->l_sim, path))
		return false;
	snprintf(slash, sizeof(slash), "%s", name);
	*strchr(slash, '/') = '\0';
	snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/1/%s",
	    sim_backend_id(l->l_sim), slash, strchr(name, '/') + 1);
	return !sim_store_exists(l->l_sim, path);
}

/* ---- disks ------------------------------------------------------------- */

struct sim_blk *
loop_blk(struct loop *l, unsigned int flags)
{
	struct sim_blk_cfg cfg = {
		.bc_vdev = 51712, .bc_nsect = 2048, .bc_flags = flags
	};
	struct sim_blk *b = sim_blk_create(l->l_dom, &cfg);

	assert_true(loop_blks(l, 1));
	return b;
}

uint8_t *
loop_pages(unsigned int npg)
{
	uint8_t *p = pv_os_pages_alloc(npg);

	assert_non_null(p);
	return p;
}

void
loop_pages_free(uint8_t *p, unsigned int npg)
{
	pv_os_pages_free(p, npg);
}

void
loop_fill(uint8_t *p, size_t len, uint32_t seed)
{
	while (len-- > 0) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (uint8_t)(seed >> 24);
	}
}

static void
loop_req_done(struct pv_blk_req *br, int rv)
{
	struct loop_req *lr = br->br_arg;

	lr->lr_ndone++;
	lr->lr_rv = rv;
}

void
loop_prepare(struct loop_req *lr, enum pv_blk_op op, uint64_t sect, void *buf,
    size_t len)
{
	memset(lr, 0, sizeof(*lr));
	lr->lr_iov[0].iov_base = buf;
	lr->lr_iov[0].iov_len = len;
	lr->lr_br.br_op = op;
	lr->lr_br.br_sect = sect;
	lr->lr_br.br_nsect = len / 512;
	lr->lr_br.br_iov = lr->lr_iov;
	lr->lr_br.br_niov = buf == NULL ? 0 : 1;
	lr->lr_br.br_done = loop_req_done;
	lr->lr_br.br_arg = lr;
}

int
loop_submit(struct pv_blk *bk, struct loop_req *lr, enum pv_blk_op op,
    uint64_t sect, void *buf, size_t len)
{
	loop_prepare(lr, op, sect, buf, len);
	return pv_blk_submit(bk, &lr->lr_br);
}

static bool
loop_req_over(void *arg)
{
	return ((struct loop_req *)arg)->lr_ndone > 0;
}

int
loop_wait(struct loop *l, struct loop_req *lr)
{
	if (!sim_until(l->l_sim, loop_req_over, lr, LOOP_PATIENCE))
		return LOOP_NEVER;
	assert_int_equal(lr->lr_ndone, 1);
	return lr->lr_rv;
}

int
loop_io(struct loop *l, struct pv_blk *bk, enum pv_blk_op op, uint64_t sect,
    void *buf, size_t len)
{
	struct loop_req lr;
	int rv;

	rv = loop_submit(bk, &lr, op, sect, buf, len);
	return rv != 0 ? rv : loop_wait(l, &lr);
}

/* ---- interfaces -------------------------------------------------------- */

struct sim_net *
loop_net(struct loop *l, unsigned int flags)
{
	struct sim_net_cfg cfg = { .nc_devid = 0, .nc_flags = flags };
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);

	assert_true(loop_nets(l, 1));
	return n;
}

static void
loop_pkt_done(struct pv_net_pkt *np, int rv)
{
	struct loop_pkt *lp = np->np_arg;

	lp->lp_ndone++;
	lp->lp_rv = rv;
}

void
loop_packet(struct loop_pkt *lp, void *buf, size_t len, unsigned int npiece)
{
	size_t each = len / npiece;
	unsigned int i;

	memset(lp, 0, sizeof(*lp));
	for (i = 0; i < npiece; i++) {
		lp->lp_iov[i].iov_base = (uint8_t *)buf + i * each;
		lp->lp_iov[i].iov_len = i + 1 < npiece ? each :
		    len - i * each;
	}
	lp->lp_np.np_iov = lp->lp_iov;
	lp->lp_np.np_niov = npiece;
	lp->lp_np.np_len = (uint32_t)len;
	lp->lp_np.np_done = loop_pkt_done;
	lp->lp_np.np_arg = lp;
}

int
loop_send(struct pv_net *nt, struct loop_pkt *lp, void *buf, size_t len,
    unsigned int npiece)
{
	loop_packet(lp, buf, len, npiece);
	return pv_net_send(nt, &lp->lp_np);
}

static bool
loop_pkt_over(void *arg)
{
	return ((struct loop_pkt *)arg)->lp_ndone > 0;
}

int
loop_wait_sent(struct loop *l, struct loop_pkt *lp)
{
	if (!sim_until(l->l_sim, loop_pkt_over, lp, LOOP_PATIENCE))
		return LOOP_NEVER;
	assert_int_equal(lp->lp_ndone, 1);
	return lp->lp_rv;
}
