/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h -- one guest of the library's under the simulator, for the tests in
 * tests/loop, tests/evil and tests/fail.
 *
 * LOOP_TEST(name) { .. } defines a cmocka test whose body is run for several
 * seeds, in both flavours of memory, with a struct loop *l that is open; at
 * its end the guest is detached and the balance checked.  The seed is
 * printed before each run.  SIM_SEED=n runs one seed only, SIM_SEEDS=n that
 * many; SIM_VERBOSE=1 shows the library's log.
 *
 * cmocka's assertions are for the test's own thread: call backs only note.
 */

#ifndef LOOP_H
#define LOOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pv/os.h>
#include <pv/pv.h>

#include "sim.h"
#include "xen.h"
#include "xenbus.h"
#include "xs.h"

#define LOOP_NDEV	8
#define LOOP_NVCPU	3u		/* where there are several */
#define LOOP_NCTL	16
#define LOOP_NSET	8
#define LOOP_INPUT	16384

struct loop {
	struct sim	*l_sim;
	struct sim_dom	*l_dom;
	struct xen	 l_xen;
	int		 l_attached;	/* xen_attach()'s answer */
	struct pv_blk	*l_blk[LOOP_NDEV];
	struct pv_net	*l_net[LOOP_NDEV];
	struct pv_cons	*l_cons, *l_line;	/* the first, one more */
	struct pv_rng	*l_rng;
	struct pv_balloon *l_balloon;
	unsigned int	 l_spare;	/* pages that the balloon may have */
	unsigned int	 l_hollow;	/* and those it has from the start */
	size_t		 l_nrandom;	/* bytes received */
	unsigned int	 l_nblk, l_nnet;	/* up now */
	unsigned int	 l_nblkup, l_nnetup;	/* ups so far */
	unsigned int	 l_nresized;
	enum pv_control_op l_ctl[LOOP_NCTL];
	unsigned int	 l_nctl;
	char		 l_key;		/* the last; 0: none */
	const char	*l_set[LOOP_NSET][2];	/* settings: names, values */
	unsigned int	 l_nset;
	unsigned int	 l_nerr;	/* call backs that came wrongly */
	/* what the console's consumer got; it takes at most l_take a time */
	char		 l_input[LOOP_INPUT];
	size_t		 l_ninput, l_take;
	unsigned int	 l_nready;
	/* what the net's consumer got last */
	uint8_t		 l_frame[65536];
	size_t		 l_framelen;
	uint32_t	 l_frameflags;
	uint16_t	 l_framegso;
	uint8_t		 l_frametype;
	unsigned int	 l_nchange, l_nannounce;
	unsigned int	 l_nframe;
	bool		 l_sum;		/* l_framesum adds up all bytes */
	uint64_t	 l_framesum;
};

/* One request of a consumer's. */
struct loop_req {
	struct pv_blk_req lr_br;
	struct pv_iov	 lr_iov[4];
	unsigned int	 lr_ndone;
	int		 lr_rv;
};

void	 loop_seeds(const char *name, void (*body)(struct loop *));
#define LOOP_TEST(name)							\
	static void name##_body(struct loop *);				\
	static void							\
	name(void **state)						\
	{								\
		loop_seeds(#name, name##_body);				\
	}								\
	static void							\
	name##_body(struct loop *l)

/*
 * The scene, with the first thing that can fail failing, then with the second,
 * until all go well; SIM_POINT=n: with that one alone.  attached: attaching
 * does not fail, and is not one of them.
 */
void	 loop_points(const char *name, unsigned int flags, bool attached,
	    void (*scene)(struct loop *));

extern const struct pv_client *const loop_client;
/* What the operator sets, before attach. */
void	 loop_set(struct loop *, const char *name, const char *value);

/* For tests that open by themselves. */
void	 loop_open(struct loop *, uint64_t seed, unsigned int flags);
/* Another guest beside the first; its devices are found by call backs only. */
void	 loop_second(struct loop *, struct loop *first);
int	 loop_attach(struct loop *);
void	 loop_detach(struct loop *);
void	 loop_close(struct loop *);
unsigned int loop_flags(uint64_t seed);
/* Of the vCPUs that a guest has with some seeds only the first goes on. */
void	 loop_alone(struct loop *);
/* The other vCPUs take events: handlers of different devices run at the same
   time from now on.  They were detached, or never attached. */
void	 loop_spread(struct loop *);

/* Wait, 60 s of virtual time at most, until so many are up. */
bool	 loop_blks(struct loop *, unsigned int n);
bool	 loop_nets(struct loop *, unsigned int n);
bool	 loop_until(struct loop *, bool (*fn)(struct loop *));
/* "connected", "broken" ..; "" when there is no such device. */
const char *loop_state(struct loop *, const char *name);
bool	 loop_wait_state(struct loop *, const char *name, const char *state);
struct pv_dev_info loop_info(struct loop *, const char *name);
struct pv_totals loop_totals(struct loop *);

/* "vbd/51712" has no directory any more, neither its back end. */
bool	 loop_gone(struct loop *, const char *name);

/* A disk of 2048 sectors, 51712, and its front end, connected. */
struct sim_blk *loop_blk(struct loop *, unsigned int flags);
/* An interface, 0, and its front end, connected. */
struct sim_net *loop_net(struct loop *, unsigned int flags);

/* Pages of the consumer's. */
uint8_t	*loop_pages(unsigned int npg);
void	 loop_pages_free(uint8_t *, unsigned int npg);
void	 loop_fill(uint8_t *, size_t len, uint32_t seed);

/* Fill in a request; without a buffer, len is a range's all the same. */
void	 loop_prepare(struct loop_req *, enum pv_blk_op, uint64_t sect,
	    void *buf, size_t len);
/* Start; the answer of submit.  nsect of 0: flush. */
int	 loop_submit(struct pv_blk *, struct loop_req *, enum pv_blk_op,
	    uint64_t sect, void *buf, size_t len);
/* Wait for the answer; 1000: it never came. */
int	 loop_wait(struct loop *, struct loop_req *);
#define LOOP_NEVER	1000
/* Both. */
int	 loop_io(struct loop *, struct pv_blk *, enum pv_blk_op, uint64_t sect,
	    void *buf, size_t len);

/* Send a frame that lies in pages; done is counted in *ndone. */
struct loop_pkt {
	struct pv_net_pkt lp_np;
	struct pv_iov	 lp_iov[PV_NET_MAXPIECES + 1];
	unsigned int	 lp_ndone;
	int		 lp_rv;
};
void	 loop_packet(struct loop_pkt *, void *buf, size_t len,
	    unsigned int npiece);
int	 loop_send(struct pv_net *, struct loop_pkt *, void *buf, size_t len,
	    unsigned int npiece);
int	 loop_wait_sent(struct loop *, struct loop_pkt *);

#endif /* LOOP_H */
