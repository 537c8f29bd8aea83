/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_evil.h -- the lies that peers can tell, one by one.
 *
 * Each lie is named where the simulator has the occasion to tell it.  What
 * a driver must make of it is said beside it: BROKEN (the device stops, one
 * log line, nothing leaks) or what else is documented.
 */

#ifndef SIM_EVIL_H
#define SIM_EVIL_H

enum sim_lie {
	/* Ring responses, of blk and of net's transmit ring.  BROKEN. */
	SIM_EVIL_RSP_ID_RANGE,		/* an id never handed out */
	SIM_EVIL_RSP_ID_IDLE,		/* an id in range, not in flight */
	SIM_EVIL_RSP_ID_TWICE,		/* a request answered twice */
	SIM_EVIL_RSP_OP_WRONG,		/* blk: another operation */
	SIM_EVIL_RSP_STATUS_WILD,	/* a status that is not defined */
	SIM_EVIL_RSP_PROD_JUMP,		/* producer beyond what was asked */
	SIM_EVIL_RSP_PROD_BACK,		/* producer steps back */
	/* Written over once it was read.  Harmless to who reads once. */
	SIM_EVIL_RSP_CHANGED_AFTER_READ,
	SIM_EVIL_IDX_REWRITTEN,		/* the front's own indexes */
	/* net's receive ring */
	SIM_EVIL_RX_LEN_HUGE,		/* status above a page */
	SIM_EVIL_RX_OFFSET_HUGE,	/* offset + status above a page */
	SIM_EVIL_RX_CHAIN_ENDLESS,	/* more_data on and on */
	SIM_EVIL_RX_EXTRA_WILD,		/* an extra of no known type */
	SIM_EVIL_RX_GSO_WILD,		/* segments of no known kind */
	SIM_EVIL_RX_ID_WRONG,		/* another slot's id */
	/* Grants. */
	SIM_EVIL_GRANT_HELD,		/* still mapped for a while after the
					   answer: quarantine, then freed */
	SIM_EVIL_GRANT_HELD_FOREVER,	/* parked, reported, never freed */
	SIM_EVIL_GRANT_EAGAIN,		/* paged out: tried again */
	SIM_EVIL_GRANT_REFUSED,		/* not granted after all: an error */
	/* Events.  All survived. */
	SIM_EVIL_EVENT_STORM,		/* on each occasion, on all ports */
	SIM_EVIL_EVENT_LOST,		/* notifications do not arrive */
	SIM_EVIL_EVENT_SPURIOUS,	/* notified without cause */
	SIM_EVIL_EVENT_BEFORE_ATTACH,	/* pending when the port is made */
	SIM_EVIL_EVENT_AFTER_DETACH,	/* pending on ports that are closed */
	/* Queues of events.  No event is lost, one log line. */
	SIM_EVIL_FIFO_LINK_RANGE,	/* a port that there is no word for */
	SIM_EVIL_FIFO_LINK_WRONG,	/* a port that is not in the queue */
	/* XenStore.  Requests fail, nothing hangs. */
	SIM_EVIL_XS_INDEX_WILD,		/* more in the ring than fits */
	SIM_EVIL_XS_LEN_HUGE,		/* a reply above the maximum */
	SIM_EVIL_XS_ID_UNKNOWN,		/* a reply that nobody asked for */
	SIM_EVIL_XS_TYPE_WRONG,		/* a reply of another type */
	SIM_EVIL_XS_NOT_A_NUMBER,	/* values read are words */
	SIM_EVIL_XS_NOT_TERMINATED,	/* strings without their NUL */
	SIM_EVIL_XS_EAGAIN_FOREVER,	/* no transaction ever ends */
	SIM_EVIL_XS_SILENT,		/* no reply at all */
	/* The connection to the store. */
	SIM_EVIL_XS_ERROR_WILD,		/* tells of an error, falls silent */
	SIM_EVIL_XS_CONNECTION_WILD,	/* "reconnect" out of the blue */
	SIM_EVIL_XS_RECONNECT_NEVER,	/* offers it, and does not do it */
	/* The back end's state node. */
	SIM_EVIL_STATE_SKIPPED,		/* Connected without InitWait */
	SIM_EVIL_STATE_BACKWARD,	/* InitWait after Connected */
	SIM_EVIL_STATE_UNKNOWN,		/* "42", "Connected" */
	SIM_EVIL_BACKEND_VANISHES,	/* its directory goes away */
	/* The console's ring. */
	SIM_EVIL_CONS_IN_PROD,		/* more input than fits */
	SIM_EVIL_CONS_OUT_CONS,		/* consumed what was not written */
	/* virtio: the used ring.  BROKEN. */
	SIM_EVIL_USED_ID_RANGE,		/* an id beyond the queue */
	SIM_EVIL_USED_ID_NOT_HEAD,	/* in range, not of a chain in flight */
	SIM_EVIL_USED_ID_TWICE,		/* a chain answered twice */
	SIM_EVIL_USED_LEN_HUGE,		/* more written than was offered */
	SIM_EVIL_USED_IDX_JUMP,		/* more answers than chains */
	/* What the driver wrote, written over.  Harmless to who never looks. */
	SIM_EVIL_DESC_REWRITTEN,	/* descriptors of a chain in flight */
	SIM_EVIL_AVAIL_REWRITTEN,	/* split: the available ring */
	/* The device itself. */
	SIM_EVIL_CONFIG_TORN,		/* changes at each read: refused */
	SIM_EVIL_FEATURES_CHANGE,	/* others at each look, any together */
	SIM_EVIL_FEATURES_OK_REFUSED,	/* BROKEN */
	SIM_EVIL_NEEDS_RESET,		/* started anew; too often: BROKEN */
	SIM_EVIL_RESET_NEVER,		/* memory is kept from it and counted */
	SIM_EVIL_QUEUE_MAX_ZERO,	/* no queue there: BROKEN, or without */
	SIM_EVIL_QUEUE_MAX_ODD,		/* no size that a queue can have */
	SIM_EVIL_VECTOR_REFUSED,	/* no interrupt for it: BROKEN */
	SIM_EVIL_BAR_TOO_SMALL,		/* PCI: structures outside: no device */
	SIM_EVIL_BAR_WILD,		/* any size: works, or no device */
	SIM_EVIL_PCI_VANISHES,		/* pulled out at a look at its
					   configuration space: no device */
	SIM_EVIL_NLIE
};

#endif /* SIM_EVIL_H */
