/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhost_user.c -- see vhost_user.h.
 *
 * Every message is a header and a payload; those that get something have an
 * answer with the same number.  A back end that is silent for
 * VHOST_USER_PATIENCE, closes the socket or answers something else is gone:
 * its status reads as that of a device that was pulled out.
 *
 * Device status is ours: there is no such register.  Taking a queue away
 * (GET_VRING_BASE) is answered when the back end has let go of it, so a reset
 * is one of that for each queue.
 */

#define _GNU_SOURCE
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "os.h"
#include "virtio.h"
#include "vhost_user.h"

#define VHOST_USER_PATIENCE	5	/* s */
#define VHOST_USER_NQUEUE	16
#define VHOST_USER_SIZE		256
#define VHOST_USER_NET		1	/* virtio type */
#define VHOST_USER_GONE		0xff	/* status of what was pulled out */

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_GET_PROTOCOL = 15,
	VHOST_USER_SET_PROTOCOL = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25
};

#define VHOST_USER_VERSION	0x1u	/* in the header's flags, .. */
#define VHOST_USER_VERSION_MASK	0x3u
#define VHOST_USER_REPLY	0x4u	/* .. with this in an answer's */
#define VHOST_USER_F_PROTOCOL	30	/* a feature that is no device's */
#define VHOST_USER_P_MQ		0
#define VHOST_USER_P_CONFIG	9
#define VHOST_USER_NOFD		0x100u	/* no file comes with KICK or CALL */
#define VHOST_USER_CONFIG_MAX	256

struct vhost_user_head {
	uint32_t	 hd_request;
	uint32_t	 hd_flags;
	uint32_t	 hd_len;	/* of the payload */
};
PV_WIRE_ASSERT(struct vhost_user_head, 12);

/* One number of a queue: NUM, BASE, ENABLE. */
struct vhost_user_state {
	uint32_t	 st_index;
	uint32_t	 st_num;
};
PV_WIRE_ASSERT(struct vhost_user_state, 8);

struct vhost_user_addr {
	uint32_t	 ad_index;
	uint32_t	 ad_flags;
	uint64_t	 ad_desc, ad_used, ad_avail, ad_log;
};
PV_WIRE_ASSERT(struct vhost_user_addr, 40);

struct vhost_user_memory {
	uint32_t	 me_n;		/* regions: one */
	uint32_t	 me_pad;
	uint64_t	 me_pa, me_len, me_va, me_off;
};
PV_WIRE_ASSERT(struct vhost_user_memory, 40);

struct vhost_user_space {
	uint32_t	 sp_off, sp_len, sp_flags;
	uint8_t		 sp_bytes[VHOST_USER_CONFIG_MAX];
};
PV_WIRE_OFFSET(struct vhost_user_space, sp_bytes, 12);
#define VHOST_USER_SPACE_HEAD	12

struct vhost_user_queue {
	struct os_watch	 uq_watch;	/* its answers; ow_fd is CALL's */
	struct vhost_user *uq_user;
	int		 uq_kick;
	bool		 uq_live;
};

struct vhost_user {
	struct virtio	 vu_virtio;
	struct os_watch	 vu_watch;	/* the socket */
	bool		 vu_gone;
	bool		 vu_polled;
	uint8_t		 vu_status;
	unsigned int	 vu_size;
	uint64_t	 vu_protocol;	/* VHOST_USER_P_*, agreed on */
	uint64_t	 vu_own;	/* features that are no device's */
	struct vhost_user_queue vu_queue[VHOST_USER_NQUEUE];
	unsigned int	 vu_nqueue;
};

/* ---- messages ---------------------------------------------------------- */

static int
vhost_user_lost(struct vhost_user *vu)
{
	if (!vu->vu_gone) {
		vu->vu_gone = true;
		os_unwatch(&vu->vu_watch);
		if (vu->vu_virtio.vi_dev != NULL)
			pv_dev_fail(vu->vu_virtio.vi_dev,
			    "the back end is gone");
	}
	return -PV_EPROTO;
}

/* Send a message, with a file unless fd is -1. */
static int
vhost_user_put(struct vhost_user *vu, enum vhost_user_request request,
    const void *payload, uint32_t len, int fd)
{
	struct vhost_user_head hd = { request, VHOST_USER_VERSION, len };
	struct iovec iov[2] = { { &hd, sizeof(hd) },
	    { (void *)(uintptr_t)payload, len } };
	union {
		struct cmsghdr	 head;
		char		 room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };

	if (vu->vu_gone)
		return -PV_EPROTO;
	if (fd >= 0) {
		mh.msg_control = control.room;
		mh.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	if (sendmsg(vu->vu_watch.ow_fd, &mh, MSG_NOSIGNAL) !=
	    (ssize_t)(sizeof(hd) + len))
		return vhost_user_lost(vu);
	return 0;
}

/*
 * The answer to a request: exactly len bytes.  0; -PV_ENOENT: no configuration
 * so far up; -PV_EPROTO.
 */
static int
vhost_user_take(struct vhost_user *vu, enum vhost_user_request request,
    void *payload, uint32_t len)
{
	int fd = vu->vu_watch.ow_fd;
	struct vhost_user_head hd;

	if (vu->vu_gone)
		return -PV_EPROTO;
	/* peer: another answer, or one of another length. */
	if (recv(fd, &hd, sizeof(hd), MSG_WAITALL) != sizeof(hd) ||
	    hd.hd_request != request ||
	    (hd.hd_flags & (VHOST_USER_VERSION_MASK | VHOST_USER_REPLY)) !=
	    (VHOST_USER_VERSION | VHOST_USER_REPLY))
		return vhost_user_lost(vu);
	if (hd.hd_len == 0 && request == VHOST_USER_GET_CONFIG)
		return -PV_ENOENT;
	if (hd.hd_len != len ||
	    recv(fd, payload, len, MSG_WAITALL) != (ssize_t)len)
		return vhost_user_lost(vu);
	return 0;
}

static int
vhost_user_get64(struct vhost_user *vu, enum vhost_user_request request,
    uint64_t *v)
{
	int rv = vhost_user_put(vu, request, NULL, 0, -1);

	return rv != 0 ? rv : vhost_user_take(vu, request, v, sizeof(*v));
}

static int
vhost_user_set64(struct vhost_user *vu, enum vhost_user_request request,
    uint64_t v)
{
	return vhost_user_put(vu, request, &v, sizeof(v), -1);
}

static int
vhost_user_set_queue(struct vhost_user *vu, enum vhost_user_request request,
    uint32_t index, uint32_t num)
{
	struct vhost_user_state st = { index, num };

	return vhost_user_put(vu, request, &st, sizeof(st), -1);
}

/* The back end reads this file when we kick, writes it when it answers. */
static int
vhost_user_set_file(struct vhost_user *vu, enum vhost_user_request request,
    uint32_t index, int fd)
{
	uint64_t v = index | (fd < 0 ? VHOST_USER_NOFD : 0);

	return vhost_user_put(vu, request, &v, sizeof(v), fd);
}

/* ---- features, status -------------------------------------------------- */

/*
 * What a front end has to do itself, and needs the configuration or a control
 * queue for, which such a network back end has not.
 */
#define VHOST_USER_NOT_NET (1ull << VIRTIO_NET_F_MAC |			\
			    1ull << VIRTIO_NET_F_MTU |			\
			    1ull << VIRTIO_NET_F_STATUS |		\
			    1ull << VIRTIO_NET_F_CTRL_VQ |		\
			    1ull << VIRTIO_NET_F_CTRL_RX |		\
			    1ull << VIRTIO_NET_F_CTRL_VLAN |		\
			    1ull << VIRTIO_NET_F_CTRL_MAC_ADDR |	\
			    1ull << VIRTIO_NET_F_GUEST_ANNOUNCE |	\
			    1ull << VIRTIO_NET_F_CTRL_GUEST_OFFLOADS |	\
			    1ull << VIRTIO_NET_F_MQ |			\
			    1ull << VIRTIO_NET_F_RSS)

static bool
vhost_user_agreed(const struct vhost_user *vu, unsigned int protocol)
{
	return (vu->vu_protocol >> protocol & 1) != 0;
}

static uint64_t
vhost_user_get_features(struct virtio *vi)
{
	struct vhost_user *vu = vi->vi_hw;
	uint64_t f = 0;

	if (vhost_user_get64(vu, VHOST_USER_GET_FEATURES, &f) != 0)
		return 0;
	if (vi->vi_type == VHOST_USER_NET &&
	    !vhost_user_agreed(vu, VHOST_USER_P_CONFIG))
		f &= ~VHOST_USER_NOT_NET;
	/* Memory is where we say, and kicks are files. */
	return f & ~(1ull << VHOST_USER_F_PROTOCOL |
	    1ull << VIRTIO_F_ACCESS_PLATFORM | 1ull << VQ_F_NOTIFICATION_DATA |
	    1ull << VIRTIO_F_RING_RESET);
}

static int
vhost_user_set_features(struct virtio *vi, uint64_t f)
{
	struct vhost_user *vu = vi->vi_hw;

	return vhost_user_set64(vu, VHOST_USER_SET_FEATURES, f | vu->vu_own);
}

static uint8_t
vhost_user_get_status(struct virtio *vi)
{
	struct vhost_user *vu = vi->vi_hw;

	return vu->vu_gone ? VHOST_USER_GONE : vu->vu_status;
}

/* Give a queue's files back; the back end has let go, or is gone. */
static void
vhost_user_close(struct vhost_user_queue *uq)
{
	if (!uq->uq_live)
		return;
	os_unwatch(&uq->uq_watch);
	if (uq->uq_watch.ow_fd >= 0)
		(void)close(uq->uq_watch.ow_fd);
	(void)close(uq->uq_kick);
	uq->uq_live = false;
}

static void
vhost_user_stop(struct vhost_user *vu, uint32_t index)
{
	struct vhost_user_state st;

	/* peer: where it stopped does not matter, each start is from 0. */
	if (vhost_user_set_queue(vu, VHOST_USER_GET_VRING_BASE, index, 0) == 0)
		(void)vhost_user_take(vu, VHOST_USER_GET_VRING_BASE, &st,
		    sizeof(st));
	vhost_user_close(&vu->vu_queue[index]);
}

static void
vhost_user_set_status(struct virtio *vi, uint8_t status)
{
	struct vhost_user *vu = vi->vi_hw;
	uint32_t i;

	for (i = 0; status == 0 && i < VHOST_USER_NQUEUE; i++) {
		if (vu->vu_queue[i].uq_live)
			vhost_user_stop(vu, i);
	}
	vu->vu_status = status;
}

/* ---- configuration ----------------------------------------------------- */

/* Some back ends know of no offset, so all before is read too. */
static uint32_t
vhost_user_read_config(struct virtio *vi, unsigned int off,
    unsigned int width)
{
	struct vhost_user *vu = vi->vi_hw;
	struct vhost_user_space sp = { 0, off + width, 0, { 0 } };
	uint32_t len = VHOST_USER_SPACE_HEAD + sp.sp_len;

	if (!vhost_user_agreed(vu, VHOST_USER_P_CONFIG) ||
	    sp.sp_len > VHOST_USER_CONFIG_MAX ||
	    vhost_user_put(vu, VHOST_USER_GET_CONFIG, &sp, len, -1) != 0 ||
	    vhost_user_take(vu, VHOST_USER_GET_CONFIG, &sp, len) != 0)
		return 0;
	if (width == 1)
		return sp.sp_bytes[off];
	return width == 2 ? virtio_le16(sp.sp_bytes + off) :
	    virtio_le32(sp.sp_bytes + off);
}

static void
vhost_user_write_config(struct virtio *vi, unsigned int off,
    unsigned int width, uint32_t v)
{
	struct vhost_user *vu = vi->vi_hw;
	struct vhost_user_space sp = { off, width, 0, { (uint8_t)v,
	    (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) } };

	if (vhost_user_agreed(vu, VHOST_USER_P_CONFIG))
		(void)vhost_user_put(vu, VHOST_USER_SET_CONFIG, &sp,
		    VHOST_USER_SPACE_HEAD + width, -1);
}

static uint32_t
vhost_user_config_gen(struct virtio *vi)
{
	return 0;			/* it does not change unasked */
}

/* ---- queues ------------------------------------------------------------ */

static unsigned int
vhost_user_queue_max(struct virtio *vi, unsigned int index)
{
	struct vhost_user *vu = vi->vi_hw;

	return index < vu->vu_nqueue ? vu->vu_size : 0;
}

static void
vhost_user_answered(void *arg)
{
	struct vhost_user_queue *uq = arg;
	uint64_t n;

	if (read(uq->uq_watch.ow_fd, &n, sizeof(n)) == sizeof(n))
		virtio_intr(&uq->uq_user->vu_virtio,
		    (int)(uq - uq->uq_user->vu_queue), false);
}

/* The files of a queue. */
static int
vhost_user_open(struct vhost_user *vu, struct vhost_user_queue *uq)
{
	uq->uq_user = vu;
	uq->uq_watch.ow_fd = -1;
	uq->uq_kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uq->uq_kick < 0)
		return -PV_ENOMEM;
	uq->uq_live = true;
	if (vu->vu_polled)
		return 0;
	uq->uq_watch.ow_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uq->uq_watch.ow_fd < 0)
		return -PV_ENOMEM;
	uq->uq_watch.ow_fn = vhost_user_answered;
	uq->uq_watch.ow_arg = uq;
	os_watch(&uq->uq_watch);
	return 0;
}

/* Where a queue begins; that of a packed one is in its first lap. */
static uint32_t
vhost_user_base(const struct virtio *vi)
{
	return virtio_has(vi, VIRTIO_F_RING_PACKED) ? 0x80008000u : 0;
}

static int
vhost_user_queue_setup(struct virtio *vi, struct vq *vq)
{
	struct vhost_user *vu = vi->vi_hw;
	struct vhost_user_queue *uq = &vu->vu_queue[vq->vq_index];
	uint32_t i = vq->vq_index;
	struct vhost_user_addr ad = {
		.ad_index = i,
		.ad_desc = vq_pa(vq, VQ_AREA_DESC),
		.ad_avail = vq_pa(vq, VQ_AREA_DRIVER),
		.ad_used = vq_pa(vq, VQ_AREA_DEVICE)
	};
	int rv = vhost_user_open(vu, uq);

	if (rv == 0)
		rv = vhost_user_set_queue(vu, VHOST_USER_SET_VRING_NUM, i,
		    vq->vq_size);
	if (rv == 0)
		rv = vhost_user_set_queue(vu, VHOST_USER_SET_VRING_BASE, i,
		    vhost_user_base(vi));
	if (rv == 0)
		rv = vhost_user_put(vu, VHOST_USER_SET_VRING_ADDR, &ad,
		    sizeof(ad), -1);
	if (rv == 0)
		rv = vhost_user_set_file(vu, VHOST_USER_SET_VRING_CALL, i,
		    uq->uq_watch.ow_fd);
	if (rv == 0)
		rv = vhost_user_set_file(vu, VHOST_USER_SET_VRING_KICK, i,
		    uq->uq_kick);
	if (rv == 0 && vu->vu_own != 0)
		rv = vhost_user_set_queue(vu, VHOST_USER_SET_VRING_ENABLE, i,
		    1);
	if (rv != 0)
		vhost_user_close(uq);
	vq->vq_notify = uq;
	return rv;
}

static void
vhost_user_kick(struct virtio *vi, struct vq *vq)
{
	struct vhost_user_queue *uq = vq->vq_notify;
	uint64_t one = 1;

	/* Full: it has not looked at the last ones yet. */
	if (write(uq->uq_kick, &one, sizeof(one)) != sizeof(one))
		return;
}

/* ---- life -------------------------------------------------------------- */

static void
vhost_user_release(struct virtio *vi)
{
	struct vhost_user *vu = vi->vi_hw;
	unsigned int i;

	for (i = 0; i < VHOST_USER_NQUEUE; i++)
		vhost_user_close(&vu->vu_queue[i]);
	os_unwatch(&vu->vu_watch);
	(void)close(vu->vu_watch.ow_fd);
	pv_os_free(vu, sizeof(*vu));
}

static const struct virtio_ops vhost_user_ops = {
	.vo_get_features = vhost_user_get_features,
	.vo_set_features = vhost_user_set_features,
	.vo_get_status = vhost_user_get_status,
	.vo_set_status = vhost_user_set_status,
	.vo_read_config = vhost_user_read_config,
	.vo_write_config = vhost_user_write_config,
	.vo_config_gen = vhost_user_config_gen,
	.vo_queue_max = vhost_user_queue_max,
	.vo_queue_setup = vhost_user_queue_setup,
	.vo_kick = vhost_user_kick,
	.vo_release = vhost_user_release,
};

/* It speaks only when asked: this is its end, or a lie. */
static void
vhost_user_spoke(void *arg)
{
	(void)vhost_user_lost(arg);
}

static int
vhost_user_connect(struct vhost_user *vu, const char *path)
{
	struct timeval patience = { .tv_sec = VHOST_USER_PATIENCE };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -PV_ENOMEM;
	vu->vu_watch.ow_fd = fd;
	vu->vu_watch.ow_fn = vhost_user_spoke;
	vu->vu_watch.ow_arg = vu;
	if (strlen(path) >= sizeof(sun.sun_path))
		return -PV_EINVAL;
	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return -PV_ENODEV;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience)) != 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &patience, sizeof(patience)) != 0)
		return -PV_EINVAL;
	return 0;
}

/* How many queues it has. */
static int
vhost_user_queues(struct vhost_user *vu)
{
	bool net = vu->vu_virtio.vi_type == VHOST_USER_NET;
	uint64_t n = 1;
	int rv = 0;

	if (vhost_user_agreed(vu, VHOST_USER_P_MQ))
		rv = vhost_user_get64(vu, VHOST_USER_GET_QUEUE_NUM, &n);
	/* peer: none, or more than we can use. */
	if (n == 0 || n > VHOST_USER_NQUEUE / 2)
		n = n == 0 ? 1 : VHOST_USER_NQUEUE / 2;
	vu->vu_nqueue = (unsigned int)n * (net ? 2 : 1);
	return rv;
}

/* Say who we are, and show it the memory. */
static int
vhost_user_greet(struct vhost_user *vu)
{
	const struct os_memory *om = os_memory();
	struct vhost_user_memory me = { 1, 0, (uintptr_t)om->om_base,
	    om->om_len, (uintptr_t)om->om_base, 0 };
	uint64_t f = 0, protocol = 0;
	int rv;

	rv = vhost_user_put(vu, VHOST_USER_SET_OWNER, NULL, 0, -1);
	if (rv == 0)
		rv = vhost_user_get64(vu, VHOST_USER_GET_FEATURES, &f);
	vu->vu_own = f & 1ull << VHOST_USER_F_PROTOCOL;
	if (rv == 0 && vu->vu_own != 0) {
		rv = vhost_user_get64(vu, VHOST_USER_GET_PROTOCOL, &protocol);
		vu->vu_protocol = protocol & (1u << VHOST_USER_P_MQ |
		    1u << VHOST_USER_P_CONFIG);
		if (rv == 0)
			rv = vhost_user_set64(vu, VHOST_USER_SET_PROTOCOL,
			    vu->vu_protocol);
	}
	if (rv == 0)
		rv = vhost_user_queues(vu);
	if (rv == 0)
		rv = vhost_user_put(vu, VHOST_USER_SET_MEM_TABLE, &me,
		    sizeof(me), om->om_fd);
	return rv;
}

/* "vhost/1", by the number of its socket. */
static void
vhost_user_name(struct vhost_user *vu)
{
	struct strbuf sb;

	str_begin(&sb, vu->vu_virtio.vi_name, sizeof(vu->vu_virtio.vi_name));
	str_add(&sb, "vhost/");
	str_addu(&sb, (unsigned int)vu->vu_watch.ow_fd);
}

int
vhost_user_attach(const struct vhost_user_config *vc,
    const struct pv_client *client, struct vhost_user **vup)
{
	struct vhost_user *vu = pv_os_alloc(sizeof(*vu));
	struct virtio *vi;
	int rv;

	if (vu == NULL)
		return -PV_ENOMEM;
	vi = &vu->vu_virtio;
	vi->vi_ops = &vhost_user_ops;
	vi->vi_hw = vu;
	vi->vi_type = vc->vc_type;
	vi->vi_align = 4;
	vu->vu_polled = vc->vc_polled;
	vu->vu_size = vc->vc_size != 0 ? vc->vc_size : VHOST_USER_SIZE;
	vu->vu_watch.ow_fd = -1;
	rv = vhost_user_connect(vu, vc->vc_path);
	if (rv == 0)
		rv = vhost_user_greet(vu);
	vhost_user_name(vu);
	if (rv == 0)
		rv = virtio_attach(vi, client);
	if (rv != 0) {
		vhost_user_release(vi);
		return rv;
	}
	os_watch(&vu->vu_watch);
	*vup = vu;
	return 0;
}

void
vhost_user_detach(struct vhost_user *vu)
{
	virtio_detach(&vu->vu_virtio);
}
