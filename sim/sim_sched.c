/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_sched.c -- virtual time, and what runs next.
 *
 * A thread is a stack.  Thread 0 is the test's own; the others are taken from
 * a pool to run a work that may sleep.  Only one runs; it gives up the
 * processor where it waits (sim_sched_wait) and nowhere else.  A waiting
 * thread goes on to choose and run what is due, on its own stack, until the
 * choice falls on another thread that can go on, to which it switches, or on
 * itself.  Works that may not sleep, interrupts and actors return, so they
 * need no stack of their own.
 *
 * When there is nothing to choose the clock jumps to the next moment at which
 * there will be.
 */

#include <sys/mman.h>

#include <sanitizer/common_interface_defs.h>

#include "sim_int.h"

#include <pv/os.h>

#define SIM_SCHED_TICK	1000		/* ns that a step takes */
#define SIM_SCHED_MANY	(50u * 1000 * 1000)	/* steps: a live-lock */

enum sim_sched_kind { SIM_NONE, SIM_DO_WORK, SIM_DO_THREAD, SIM_DO_ACTOR,
    SIM_DO_IRQ, SIM_DO_DEVIRQ };

struct sim_sched_pick {
	enum sim_sched_kind pi_kind;
	void		*pi_what;
	unsigned int	 pi_n;		/* candidates so far */
	uint64_t	 pi_next;	/* when something becomes one */
};

/* Stacks are kept from one world to the next. */
static void	*sim_sched_stack[SIM_NTHREAD];

static void	 sim_sched_fiber(void);

void
sim_sched_init(struct sim *s)
{
	list_init(&s->s_actors);
	s->s_self = &s->s_thread[0];
	s->s_ctx = SIM_THREAD;
}

void
sim_sched_free(struct sim *s)
{
	unsigned int i;

	for (i = 1; i < SIM_NTHREAD; i++) {
		if (s->s_thread[i].th_low != NULL && !s->s_thread[i].th_idle)
			sim_bug("a work still waits at the end");
	}
}

uint64_t
sim_now(void)
{
	return sim_world->s_now;
}

void
sim_enter(struct sim_dom *d)
{
	sim_world->s_curdom = d;
}

struct sim_dom *
sim_current(void)
{
	return sim_world->s_curdom;
}

/* ---- threads ----------------------------------------------------------- */

/*
 * Go on in another thread.  The sanitizer is told, so that it knows which
 * stack we are on.
 */
static void
sim_sched_switch(struct sim_thread *to)
{
	struct sim *s = sim_world;
	struct sim_thread *self = s->s_self;

	if (to == self)
		return;
	self->th_dom = s->s_curdom;
	s->s_from = self;
	s->s_self = to;
	__sanitizer_start_switch_fiber(&self->th_fake, to->th_low,
	    to->th_size);
	swapcontext(&self->th_uc, &to->th_uc);
	__sanitizer_finish_switch_fiber(self->th_fake, &s->s_from->th_low,
	    &s->s_from->th_size);
	s->s_curdom = self->th_dom;
	s->s_ctx = SIM_THREAD;
}

/* A thread with nothing to do, made when there is none. */
static struct sim_thread *
sim_sched_spare(void)
{
	struct sim_thread *th;
	unsigned int i;

	for (i = 1; i < SIM_NTHREAD; i++) {
		th = &sim_world->s_thread[i];
		if (th->th_low != NULL && th->th_idle)
			return th;
		if (th->th_low == NULL)
			break;
	}
	if (i == SIM_NTHREAD)
		sim_die("%d works wait at once", SIM_NTHREAD);
	if (sim_sched_stack[i] == NULL)
		sim_sched_stack[i] = mmap(NULL, SIM_STACK, PROT_READ |
		    PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sim_sched_stack[i] == MAP_FAILED)
		sim_die("no memory for a stack");
	sim_mem_unpoison(sim_sched_stack[i], SIM_STACK);
	th->th_low = sim_sched_stack[i];
	th->th_size = SIM_STACK;
	th->th_idle = true;
	getcontext(&th->th_uc);
	th->th_uc.uc_stack.ss_sp = sim_sched_stack[i];
	th->th_uc.uc_stack.ss_size = SIM_STACK;
	th->th_uc.uc_link = NULL;
	makecontext(&th->th_uc, sim_sched_fiber, 0);
	return th;
}

/* ---- choosing ---------------------------------------------------------- */

/* One more candidate: each is chosen with the same chance. */
static void
sim_sched_offer(struct sim_sched_pick *pi, enum sim_sched_kind kind,
    void *what)
{
	pi->pi_n++;
	if (sim_rand(pi->pi_n) == 0) {
		pi->pi_kind = kind;
		pi->pi_what = what;
	}
}

static void
sim_sched_at(struct sim_sched_pick *pi, uint64_t when)
{
	if (when < pi->pi_next)
		pi->pi_next = when;
}

/* Nothing else runs while somebody looks: what was chosen must stay so. */
static bool
sim_sched_holds(const struct sim_thread *th)
{
	bool yes;

	if (th->th_cond == NULL)
		return false;
	sim_inside();
	yes = th->th_cond(th->th_condarg);
	sim_outside();
	return yes;
}

static bool
sim_sched_ready(const struct sim_thread *th)
{
	if (!th->th_waiting || th->th_idle)
		return false;
	if (th->th_event != NULL && th->th_event->oe_woken)
		return true;
	if (sim_sched_holds(th))
		return true;
	return sim_world->s_now >= th->th_deadline;
}

static void
sim_sched_offer_upcalls(struct sim_sched_pick *pi)
{
	struct sim *s = sim_world;
	struct sim_dom *d;
	unsigned int i, v;

	for (i = 0; i < SIM_NDOM; i++) {
		d = s->s_dom[i];
		for (v = 0; d != NULL && v < d->d_nvcpu; v++) {
			if (sim_evtchn_due(&d->d_vcpu[v]))
				sim_sched_offer(pi, SIM_DO_IRQ, &d->d_vcpu[v]);
		}
	}
}

static void
sim_sched_offer_irqs(struct sim_sched_pick *pi)
{
	struct sim *s = sim_world;
	unsigned int i;

	sim_sched_offer_upcalls(pi);
	for (i = 0; i < SIM_NIRQ; i++) {
		if (sim_irq_due(&s->s_irq[i]))
			sim_sched_offer(pi, SIM_DO_DEVIRQ, &s->s_irq[i]);
	}
}

static void
sim_sched_offer_actors(struct sim_sched_pick *pi)
{
	struct sim *s = sim_world;
	struct list *l;

	LIST_FOREACH(l, &s->s_actors) {
		struct sim_actor *ac = LIST_ENTRY(l, struct sim_actor,
		    ac_link);

		if (!ac->ac_pending)
			continue;
		if (ac->ac_due <= s->s_now)
			sim_sched_offer(pi, SIM_DO_ACTOR, ac);
		else
			sim_sched_at(pi, ac->ac_due);
	}
}

static bool
sim_sched_sleeps(const struct pv_os_work *w)
{
	return (w->pw_flags & PV_WORK_SLEEPS) != 0;
}

/* A work may not run twice at once, nor two of a group that do not sleep. */
static bool
sim_sched_barred(const struct pv_os_work *w)
{
	struct sim *s = sim_world;

	if (w->pw_running || s->s_nowork)
		return true;
	return sim_sched_sleeps(w) ? s->s_noslow :
	    s->s_group[PV_WORK_GROUP_OF(w->pw_flags)];
}

static void
sim_sched_offer_works(struct sim_sched_pick *pi, bool sleeping)
{
	struct sim *s = sim_world;
	struct pv_os_work *w;

	for (w = s->s_works; w != NULL; w = w->pw_next) {
		if (sim_sched_barred(w) || (sim_sched_sleeps(w) && !sleeping))
			continue;
		if (w->pw_due <= s->s_now)
			sim_sched_offer(pi, SIM_DO_WORK, w);
		else
			sim_sched_at(pi, w->pw_due);
	}
}

static void
sim_sched_choose(struct sim_sched_pick *pi)
{
	struct sim *s = sim_world;
	struct sim_thread *th;
	unsigned int i;

	memset(pi, 0, sizeof(*pi));
	pi->pi_next = UINT64_MAX;
	sim_regs_flush();
	if (!s->s_nowork)
		sim_sched_offer_irqs(pi);
	sim_sched_offer_actors(pi);
	sim_sched_offer_works(pi, true);
	for (i = 0; i < SIM_NTHREAD; i++) {
		th = &s->s_thread[i];
		if (sim_sched_ready(th))
			sim_sched_offer(pi, SIM_DO_THREAD, th);
		else if (th->th_waiting)
			sim_sched_at(pi, th->th_deadline);
	}
}

/* ---- running ----------------------------------------------------------- */

static void
sim_sched_unlink(struct pv_os_work *w)
{
	struct pv_os_work **p;

	for (p = &sim_world->s_works; *p != w; p = &(*p)->pw_next)
		;
	*p = w->pw_next;
	w->pw_next = NULL;
	w->pw_pending = false;
}

static void
sim_sched_intr(struct sim_vcpu *v)
{
	struct sim *s = sim_world;
	struct sim_dom *olddom = s->s_curdom;
	struct sim_vcpu *oldvcpu = s->s_curvcpu;
	enum sim_ctx oldctx = s->s_ctx;

	v->v_pending = false;
	v->v_running = true;
	s->s_curdom = v->v_dom;
	s->s_ctx = SIM_IRQ;
	s->s_curvcpu = v;
	v->v_irq->oi_fn(v->v_irq->oi_arg);
	v->v_running = false;
	s->s_curvcpu = oldvcpu;
	if (s->s_nlock != 0)
		sim_bug("an interrupt handler returned with a lock held");
	s->s_ctx = oldctx;
	s->s_curdom = olddom;
}

static void
sim_sched_devintr(struct sim_irq *iq)
{
	struct sim *s = sim_world;
	struct sim_dom *olddom = s->s_curdom;
	enum sim_ctx oldctx = s->s_ctx;

	iq->iq_pending = false;
	s->s_curdom = iq->iq_dom;
	s->s_ctx = SIM_IRQ;
	iq->iq_irq->oi_fn(iq->iq_irq->oi_arg);
	sim_regs_flush();
	if (s->s_nlock != 0)
		sim_bug("an interrupt handler returned with a lock held");
	s->s_ctx = oldctx;
	s->s_curdom = olddom;
}

static void
sim_sched_act(struct sim_actor *ac)
{
	ac->ac_pending = false;
	sim_inside();
	ac->ac_fn(ac->ac_arg);
	sim_outside();
}

/* A work may not free itself: the port touches it again. */
static void
sim_sched_work(struct pv_os_work *w, enum sim_ctx ctx)
{
	struct sim *s = sim_world;
	struct sim_thread *self = s->s_self;
	struct pv_os_work *old = self->th_work;
	struct sim_dom *olddom = s->s_curdom;
	enum sim_ctx oldctx = s->s_ctx;
	bool *group = ctx == SIM_THREAD ? NULL :
	    &s->s_group[PV_WORK_GROUP_OF(w->pw_flags)];

	sim_sched_unlink(w);
	w->pw_running = true;
	if (group != NULL)
		*group = true;
	self->th_work = w;
	s->s_curdom = w->pw_dom;
	s->s_ctx = ctx;
	w->pw_fn(w->pw_arg);
	if (s->s_nlock != 0)
		sim_die("a work returned with a lock held");
	w->pw_running = false;
	if (group != NULL)
		*group = false;
	self->th_work = old;
	s->s_ctx = oldctx;
	s->s_curdom = olddom;
}

/* What a thread of the pool does for ever. */
static void
sim_sched_fiber(void)
{
	struct sim *s = sim_world;
	struct sim_thread *self = s->s_self;
	struct pv_os_work *w;

	__sanitizer_finish_switch_fiber(NULL, &s->s_from->th_low,
	    &s->s_from->th_size);
	for (;;) {
		w = self->th_work;
		self->th_work = NULL;
		sim_sched_work(w, SIM_THREAD);
		s->s_nslow--;
		self->th_idle = true;
		/* Until somebody gives us another one. */
		(void)sim_sched_wait(NULL, NULL, NULL, UINT64_MAX);
	}
}

/* Run a work that may sleep: on our stack when we are idle, or another. */
static void
sim_sched_start(struct pv_os_work *w)
{
	struct sim_thread *th = sim_world->s_self;

	if (!th->th_idle)
		th = sim_sched_spare();
	th->th_work = w;
	th->th_idle = false;
	w->pw_running = true;	/* so that nobody chooses it again */
	sim_world->s_nslow++;
	sim_sched_switch(th);
}

static void
sim_sched_do(const struct sim_sched_pick *pi)
{
	struct pv_os_work *w;

	switch (pi->pi_kind) {
	case SIM_DO_IRQ:
		sim_sched_intr(pi->pi_what);
		break;
	case SIM_DO_DEVIRQ:
		sim_sched_devintr(pi->pi_what);
		break;
	case SIM_DO_ACTOR:
		sim_sched_act(pi->pi_what);
		break;
	case SIM_DO_WORK:
		w = pi->pi_what;
		if (w->pw_flags & PV_WORK_SLEEPS)
			sim_sched_start(w);
		else
			sim_sched_work(w, SIM_DEFERRED);
		break;
	case SIM_DO_THREAD:
		sim_sched_switch(pi->pi_what);
		break;
	case SIM_NONE:
		break;
	}
}

static void
sim_sched_tick(void)
{
	struct sim *s = sim_world;

	s->s_now += SIM_SCHED_TICK;
	if (++s->s_nstep > SIM_SCHED_MANY)
		sim_die("live-lock: %llu steps",
		    (unsigned long long)s->s_nstep);
}

/* A thread of the pool waits for work, others for what they named. */
static bool
sim_sched_over(const struct sim_thread *th)
{
	if (th->th_event == NULL && th->th_cond == NULL)
		return !th->th_idle;
	return sim_sched_ready(th);
}

/*
 * Wait until the event is woken, the condition holds or the deadline passed.
 * Returns 0 or -PV_ETIMEDOUT.
 */
int
sim_sched_wait(struct pv_os_event *ev, bool (*cond)(void *), void *arg,
    uint64_t deadline)
{
	struct sim *s = sim_world;
	struct sim_thread *self = s->s_self;
	struct sim_sched_pick pi;

	self->th_waiting = true;
	self->th_event = ev;
	self->th_cond = cond;
	self->th_condarg = arg;
	self->th_deadline = deadline;
	while (!sim_sched_over(self)) {
		sim_sched_choose(&pi);
		if (pi.pi_kind == SIM_NONE) {
			if (pi.pi_next == UINT64_MAX)
				sim_die("everything waits, for ever");
			if (pi.pi_next > s->s_now)
				s->s_now = pi.pi_next;
			continue;
		}
		sim_sched_tick();
		sim_sched_do(&pi);
	}
	self->th_waiting = false;
	self->th_event = NULL;
	self->th_cond = NULL;
	if (ev != NULL && ev->oe_woken) {
		ev->oe_woken = false;
		return 0;
	}
	return cond != NULL && cond(arg) ? 0 : -PV_ETIMEDOUT;
}

bool
sim_until(struct sim *s, bool (*fn)(void *), void *arg, uint64_t ns)
{
	return sim_sched_wait(NULL, fn, arg, s->s_now + ns) == 0;
}

static bool
sim_sched_never(void *arg)
{
	return false;
}

void
sim_run(struct sim *s, uint64_t ns)
{
	(void)sim_sched_wait(NULL, sim_sched_never, NULL, s->s_now + ns);
}

/* ---- works ------------------------------------------------------------- */

void
sim_sched_defer(struct pv_os_work *w, uint64_t delay)
{
	struct sim *s = sim_world;
	uint64_t due = s->s_now + delay;

	if (w->pw_fn == NULL)
		sim_die("a work without a function");
	if (w->pw_pending) {
		if (due < w->pw_due)
			w->pw_due = due;
		return;
	}
	w->pw_pending = true;
	w->pw_due = due;
	w->pw_dom = s->s_curdom;
	w->pw_next = s->s_works;
	s->s_works = w;
}

static bool
sim_sched_quiet(void *arg)
{
	return !((struct pv_os_work *)arg)->pw_running;
}

void
sim_sched_cancel(struct pv_os_work *w)
{
	if (w->pw_pending)
		sim_sched_unlink(w);
	if (!w->pw_running || sim_world->s_self->th_work == w)
		return;
	(void)sim_sched_wait(NULL, sim_sched_quiet, w, UINT64_MAX);
	if (w->pw_pending)
		sim_sched_unlink(w);
}

static bool
sim_sched_noslow(void *arg)
{
	return ((struct sim *)arg)->s_nslow == 0;
}

bool
sim_freeze(struct sim *s, bool all)
{
	s->s_noslow = true;
	if (!sim_until(s, sim_sched_noslow, s, 60 * SIM_S))
		return false;
	s->s_nowork = all;
	return true;
}

void
sim_freeze_now(struct sim *s)
{
	s->s_noslow = s->s_nowork = true;
}

void
sim_thaw(struct sim *s)
{
	s->s_noslow = s->s_nowork = false;
}

unsigned int
sim_sched_nwork(void)
{
	struct pv_os_work *w;
	unsigned int n = 0;

	for (w = sim_world->s_works; w != NULL; w = w->pw_next)
		n++;
	return n;
}

/* ---- actors ------------------------------------------------------------ */

void
sim_sched_actor(struct sim_actor *ac, void (*fn)(void *), void *arg)
{
	ac->ac_fn = fn;
	ac->ac_arg = arg;
	ac->ac_pending = false;
	list_append(&sim_world->s_actors, &ac->ac_link);
}

void
sim_sched_kick(struct sim_actor *ac, uint64_t delay)
{
	uint64_t due = sim_world->s_now + delay;

	if (ac->ac_pending && ac->ac_due <= due)
		return;
	ac->ac_pending = true;
	ac->ac_due = due;
}

void
sim_sched_drop(struct sim_actor *ac)
{
	list_remove(&ac->ac_link);
}

/* In a domain with several vCPUs others run meanwhile: upcalls, works. */
static bool
sim_sched_several(void)
{
	struct sim_dom *d = sim_world->s_curdom;

	return d != NULL && d->d_nvcpu > 1;
}

/*
 * Other processors run, interrupts come.  Called where the library touches
 * what others can see.  An interrupt comes only where none is masked.
 */
void
sim_sched_chance(void)
{
	struct sim *s = sim_world;
	struct sim_sched_pick pi;

	sim_regs_flush();
	if (s->s_inside > 0 || s->s_nowork || (s->s_flags & SIM_CALM) ||
	    sim_rand(8) != 0)
		return;
	memset(&pi, 0, sizeof(pi));
	pi.pi_next = UINT64_MAX;
	sim_sched_offer_actors(&pi);
	if (s->s_nlock == 0 && s->s_ctx != SIM_IRQ)
		sim_sched_offer_irqs(&pi);
	else if (s->s_nlock == 0 && s->s_curvcpu != NULL)
		sim_sched_offer_upcalls(&pi);
	if (s->s_nlock == 0 && sim_sched_several())
		sim_sched_offer_works(&pi, false);
	if (pi.pi_kind != SIM_NONE)
		sim_sched_do(&pi);
}
