/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blockdomain.c -- a storage driver domain: the guest owns disks and serves
 * them to other guests.
 *
 *	serve=NAME:TARGET[:ro]	a disk (xvdb), a partition (xvdb1) or a file
 *				(/images/a.img) of ours, which other guests get
 *				by the name; may be given again
 *	serve.conf=FILE		the same in a file, one "NAME TARGET [ro]" in a
 *				line, after # anything
 *
 * The toolstack's side is driver_domain=1 here, and there
 * disk=["backend=US,vdev=xvda,target=NAME,access=rw,format=raw"].  What is not
 * in the table is served to nobody.
 *
 * Lock: bd_mtx for everything but the driver's own counters.
 */

#include <app.h>

#include <arch.h>
#include <cmdline.h>
#include <disk.h>
#include <file.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <sync.h>
#include <vdisk.h>

#include "shell.h"
#include "words.h"

#define BLOCKDOMAIN_NDISK 32
#define BLOCKDOMAIN_NAME 64
#define BLOCKDOMAIN_TARGET 128
#define BLOCKDOMAIN_CONFMAX 16384	/* bytes of the file */
#define BLOCKDOMAIN_LINE 256
#define BLOCKDOMAIN_FS_WAIT (60 * NSEC_PER_SEC)
#define BLOCKDOMAIN_PATIENCE (10 * NSEC_PER_SEC)
#define BLOCKDOMAIN_LOOK (1 * NSEC_PER_SEC)	/* for sizes that changed */

struct blockdomain_disk {
	char		 bd_name[BLOCKDOMAIN_NAME];
	char		 bd_target[BLOCKDOMAIN_TARGET];
	bool		 bd_readonly;
	int		 bd_said;	/* why it could not be opened, told */
};

/* A guest that has, or is to get, one of them. */
struct blockdomain_user {
	struct blockdomain_user *us_next;
	struct blockdomain_disk *us_disk;
	struct pv_blk_guest *us_guest;	/* NULL while it is being opened */
	pv_domid_t	 us_domid;
	char		 us_name[24];	/* "vbd/1/51712" */
	bool		 us_readonly;
	uint64_t	 us_asked;	/* when the driver last did, ns */
	struct vdisk	*us_vdisk;
};

static struct mutex blockdomain_mtx;
static struct blockdomain_disk blockdomain_table[BLOCKDOMAIN_NDISK];
static unsigned int blockdomain_ndisk;
static char blockdomain_unknown[BLOCKDOMAIN_NAME];	/* asked for, told */
static bool blockdomain_read;		/* the table is complete */
static struct blockdomain_user *blockdomain_users;

/* ---- the table --------------------------------------------------------- */

static struct blockdomain_disk *
blockdomain_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < blockdomain_ndisk; i++) {
		if (strcmp(blockdomain_table[i].bd_name, name) == 0)
			return &blockdomain_table[i];
	}
	return NULL;
}

/* where is for messages: "serve=" or a file's line. */
static void
blockdomain_add(const char *where, const char *name, const char *target,
    const char *how)
{
	struct blockdomain_disk *bd = &blockdomain_table[blockdomain_ndisk];
	bool readonly = how != NULL && strcmp(how, "ro") == 0;

	if (name[0] == '\0' || target == NULL || target[0] == '\0')
		klog(PV_LOG_ERR, "blockdomain: %s: \"%s\" is served by no "
		    "disk: name one after it, as in data:xvdb", where, name);
	else if (how != NULL && !readonly && strcmp(how, "rw") != 0)
		klog(PV_LOG_ERR, "blockdomain: %s: \"%s\" must be ro or rw",
		    where, how);
	else if (strlen(name) >= sizeof(bd->bd_name) ||
	    strlen(target) >= sizeof(bd->bd_target))
		klog(PV_LOG_ERR, "blockdomain: %s: a name is too long: at "
		    "most %u bytes, a path %u", where, BLOCKDOMAIN_NAME - 1,
		    BLOCKDOMAIN_TARGET - 1);
	else if (blockdomain_find(name) != NULL)
		klog(PV_LOG_ERR, "blockdomain: %s: \"%s\" is there twice; the "
		    "first one counts", where, name);
	else if (blockdomain_ndisk == BLOCKDOMAIN_NDISK)
		klog(PV_LOG_ERR, "blockdomain: %s: more than %u disks", where,
		    BLOCKDOMAIN_NDISK);
	else {
		printf_format(bd->bd_name, sizeof(bd->bd_name), "%s", name);
		printf_format(bd->bd_target, sizeof(bd->bd_target), "%s",
		    target);
		bd->bd_readonly = readonly;
		blockdomain_ndisk++;
	}
}

/* "NAME:TARGET[:ro]" */
static void
blockdomain_word(const char *word)
{
	char text[BLOCKDOMAIN_LINE], *target, *how = NULL;

	if (strlen(word) >= sizeof(text)) {
		klog(PV_LOG_ERR, "blockdomain: serve=: too long");
		return;
	}
	printf_format(text, sizeof(text), "%s", word);
	target = strchr(text, ':');
	if (target != NULL) {
		*target++ = '\0';
		how = strchr(target, ':');
	}
	if (how != NULL)
		*how++ = '\0';
	blockdomain_add("serve=", text, target, how);
}

/* A line of the file, cut in place. */
static void
blockdomain_line(const char *path, unsigned int n, char *line)
{
	char where[BLOCKDOMAIN_LINE], *word[4], *hash = strchr(line, '#');
	unsigned int k = 0;
	char *p = line;

	if (hash != NULL)
		*hash = '\0';
	while (*p != '\0' && k < PV_NELEM(word)) {
		while (*p == ' ' || *p == '\t' || *p == '\r')
			*p++ = '\0';
		if (*p != '\0')
			word[k++] = p;
		while (*p != '\0' && *p != ' ' && *p != '\t' && *p != '\r')
			p++;
	}
	if (k == 0)
		return;
	printf_format(where, sizeof(where), "%s, line %u", path, n);
	if (k == PV_NELEM(word))
		klog(PV_LOG_ERR, "blockdomain: %s: too many words", where);
	else
		blockdomain_add(where, word[0], k > 1 ? word[1] : NULL,
		    k > 2 ? word[2] : NULL);
}

/* The root file system may not be mounted yet. */
static int
blockdomain_open_conf(const char *path, struct file **fl)
{
	uint64_t deadline = arch_now() + BLOCKDOMAIN_FS_WAIT;
	int rv;

	while ((rv = file_open(path, FILE_READ, fl)) == -PV_ENODEV &&
	    arch_now() < deadline)
		thread_sleep(100 * NSEC_PER_MSEC);
	return rv;
}

static void
blockdomain_conf(const char *path)
{
	char *text = kmalloc(BLOCKDOMAIN_CONFMAX), *line, *end;
	unsigned int n = 1;
	struct file *fl;
	ptrdiff_t len;
	int rv;

	rv = text == NULL ? -PV_ENOMEM : blockdomain_open_conf(path, &fl);
	if (rv == 0) {
		len = file_read(fl, 0, text, BLOCKDOMAIN_CONFMAX - 1);
		rv = len < 0 ? (int)len :
		    len == BLOCKDOMAIN_CONFMAX - 1 ? -PV_E2BIG : 0;
		file_close(fl);
	}
	if (rv != 0)
		klog(PV_LOG_ERR, "blockdomain: serve.conf=%s: %s", path,
		    shell_error(rv));
	for (line = text; rv == 0 && *line != '\0'; line = end, n++) {
		end = strchr(line, '\n');
		if (end == NULL)
			end = line + strlen(line);
		else
			*end++ = '\0';
		blockdomain_line(path, n, line);
	}
	kfree(text);
}

/* ---- guests ------------------------------------------------------------ */

static struct blockdomain_user *
blockdomain_user(const struct pv_blk_guest *bg)
{
	struct blockdomain_user *us;

	for (us = blockdomain_users; us != NULL; us = us->us_next) {
		if (us->us_domid == bg->bg_domid &&
		    strcmp(us->us_name, bg->bg_name) == 0 &&
		    (us->us_guest == NULL || us->us_guest == bg))
			return us;
	}
	return NULL;
}

/* It is asked for again and again. */
static void
blockdomain_tell_unknown(const struct pv_blk_guest *bg)
{
	char name[BLOCKDOMAIN_NAME];

	printf_format(name, sizeof(name), "%s", bg->bg_what);
	if (strcmp(name, blockdomain_unknown) == 0)
		return;
	memcpy(blockdomain_unknown, name, sizeof(name));
	klog(PV_LOG_ERR, "blockdomain: domain %u is to get \"%s\", which is "
	    "not served here: add serve=%s:DISK", bg->bg_domid, name, name);
}

/* Two guests can have a disk only when neither writes to it. */
static bool
blockdomain_shared(struct blockdomain_disk *bd, bool readonly)
{
	struct blockdomain_user *us;

	for (us = blockdomain_users; us != NULL; us = us->us_next) {
		if (strcmp(us->us_disk->bd_target, bd->bd_target) == 0 &&
		    !(readonly && us->us_readonly)) {
			if (bd->bd_said != -PV_EBUSY)
				klog(PV_LOG_ERR, "blockdomain: %s: domain %u "
				    "has %s; only a disk that all guests have "
				    "read-only can be shared", bd->bd_name,
				    us->us_domid, bd->bd_target);
			bd->bd_said = -PV_EBUSY;
			return true;
		}
	}
	return false;
}

static int
blockdomain_begin(const struct pv_blk_guest *bg, struct blockdomain_user **usp)
{
	struct blockdomain_disk *bd = blockdomain_find(bg->bg_what);
	struct blockdomain_user *us;
	bool readonly;

	if (bd == NULL) {
		blockdomain_tell_unknown(bg);
		return -PV_ENOENT;
	}
	readonly = bg->bg_readonly || bd->bd_readonly;
	if (blockdomain_shared(bd, readonly))
		return -PV_EBUSY;
	us = kmalloc(sizeof(*us));
	if (us == NULL)
		return -PV_ENOMEM;
	us->us_disk = bd;
	us->us_domid = bg->bg_domid;
	us->us_readonly = readonly;
	printf_format(us->us_name, sizeof(us->us_name), "%s", bg->bg_name);
	us->us_vdisk = vdisk_open(bd->bd_target, readonly);
	if (us->us_vdisk == NULL) {
		kfree(us);
		return -PV_ENOMEM;
	}
	us->us_next = blockdomain_users;
	blockdomain_users = us;
	*usp = us;
	return 0;
}

static void
blockdomain_end(struct blockdomain_user *us)
{
	struct blockdomain_user **usp;

	for (usp = &blockdomain_users; *usp != us; usp = &(*usp)->us_next)
		continue;
	*usp = us->us_next;
	vdisk_close(us->us_vdisk);
	kfree(us);
}

/* Lock: blockdomain_mtx. */
static int
blockdomain_open_locked(struct pv_blk_guest *bg)
{
	struct blockdomain_user *us = blockdomain_user(bg);
	int rv = 0;

	if (!blockdomain_read)
		return -PV_EAGAIN;
	if (us == NULL)
		rv = blockdomain_begin(bg, &us);
	if (rv < 0)
		return rv;
	us->us_asked = arch_now();
	rv = vdisk_ready(us->us_vdisk, &bg->bg_blk);
	if (rv == 0) {
		us->us_guest = bg;
		bg->bg_client = us;
		us->us_disk->bd_said = 0;
	} else if (rv != -PV_EAGAIN) {
		if (rv != us->us_disk->bd_said)
			klog(PV_LOG_ERR, "blockdomain: %s: %s: %s",
			    us->us_disk->bd_name, us->us_disk->bd_target,
			    shell_error(rv));
		us->us_disk->bd_said = rv;
		blockdomain_end(us);
	}
	return rv;
}

/* pv_client.pc_vbd_open: called again until it answers. */
static int
blockdomain_open(struct pv_blk_guest *bg)
{
	int rv;

	mutex_lock(&blockdomain_mtx);
	rv = blockdomain_open_locked(bg);
	mutex_unlock(&blockdomain_mtx);
	return rv;
}

/* pv_client.pc_vbd_close */
static void
blockdomain_close(struct pv_blk_guest *bg)
{
	mutex_lock(&blockdomain_mtx);
	blockdomain_end(bg->bg_client);
	mutex_unlock(&blockdomain_mtx);
}

static void
blockdomain_client(struct pv_client *pc)
{
	pc->pc_vbd_open = blockdomain_open;
	pc->pc_vbd_close = blockdomain_close;
}

/* ---- life -------------------------------------------------------------- */

/* Sizes that have changed; openings that nobody asks for any more. */
static void
blockdomain_look(void)
{
	struct blockdomain_user *us, *next;

	mutex_lock(&blockdomain_mtx);
	for (us = blockdomain_users; us != NULL; us = next) {
		next = us->us_next;
		if (us->us_guest == NULL &&
		    arch_now() - us->us_asked > BLOCKDOMAIN_PATIENCE)
			blockdomain_end(us);
		else if (us->us_guest != NULL && vdisk_resized(us->us_vdisk))
			us->us_guest->bg_changed(us->us_guest);
	}
	mutex_unlock(&blockdomain_mtx);
}

static void
blockdomain_main(void)
{
	const char *path = cmdline_get("serve.conf"), *word;
	unsigned int n;

	mutex_lock(&blockdomain_mtx);
	for (n = 0; (word = cmdline_nth("serve", n)) != NULL; n++)
		blockdomain_word(word);
	mutex_unlock(&blockdomain_mtx);
	if (path != NULL)
		blockdomain_conf(path);
	mutex_lock(&blockdomain_mtx);
	blockdomain_read = true;
	mutex_unlock(&blockdomain_mtx);
	if (blockdomain_ndisk == 0)
		klog(PV_LOG_ERR, "blockdomain: nothing to serve: name disks by "
		    "serve=NAME:DISK or a file by serve.conf=FILE");
	else
		klog(PV_LOG_INFO, "blockdomain: serving %u disk%s",
		    blockdomain_ndisk, blockdomain_ndisk == 1 ? "" : "s");
	for (;;) {
		thread_sleep(BLOCKDOMAIN_LOOK);
		blockdomain_look();
	}
}

const struct app app_blockdomain = {
	.ap_name = "blockdomain",
	.ap_what = "serve disks and files to other guests",
	.ap_main = blockdomain_main,
	.ap_stop = vdisk_stop,
	.ap_client = blockdomain_client
};

/* ---- the shell's command ----------------------------------------------- */

static void
blockdomain_show_user(const struct blockdomain_user *us)
{
	const struct pv_blk_guest *bg = us->us_guest;
	const struct pv_blk *bk;

	kprintf("  domain %u, %s: %s%s\n", us->us_domid, us->us_name,
	    bg == NULL ? "being opened" : bg->bg_connected ? "connected" :
	    "waiting", us->us_readonly ? ", read-only" : "");
	if (bg == NULL)
		return;
	bk = bg->bg_blk;
	kprintf("    disk: read %llu requests %llu sectors, write %llu "
	    "requests %llu sectors, flush %llu discard %llu error %llu, "
	    "under way %u\n", (unsigned long long)bk->bk_nread,
	    (unsigned long long)bk->bk_rsect,
	    (unsigned long long)bk->bk_nwrite,
	    (unsigned long long)bk->bk_wsect,
	    (unsigned long long)bk->bk_nflush,
	    (unsigned long long)bk->bk_ndiscard,
	    (unsigned long long)bk->bk_nerror, vdisk_depth(us->us_vdisk));
	kprintf("    ring: %s, queues %u pages %u, requests %llu indirect "
	    "%llu barrier %llu error %llu\n", bg->bg_abi == NULL ? "none" :
	    bg->bg_abi, bg->bg_nqueue, bg->bg_npage,
	    (unsigned long long)bg->bg_nreq,
	    (unsigned long long)bg->bg_nindirect,
	    (unsigned long long)bg->bg_nbarrier,
	    (unsigned long long)bg->bg_nerror);
	kprintf("    data: persistent %s, mapped %u, pieces copied %llu "
	    "through maps %llu, bad grants %llu\n",
	    bg->bg_persistent ? "yes" : "no", bg->bg_nmap,
	    (unsigned long long)bg->bg_ncopy,
	    (unsigned long long)bg->bg_nmapped,
	    (unsigned long long)bg->bg_ngrant);
}

static int
blockdomain_cmd(int argc, char **argv)
{
	const struct blockdomain_user *us;
	const struct blockdomain_disk *bd;
	unsigned int i;

	if (argc > 1)
		return shell_usage(argv);
	if (blockdomain_ndisk == 0) {
		kprintf("blockdomain: nothing is served here\n");
		return 1;
	}
	mutex_lock(&blockdomain_mtx);
	for (i = 0; i < blockdomain_ndisk; i++) {
		bd = &blockdomain_table[i];
		kprintf("%s: %s%s\n", bd->bd_name, bd->bd_target,
		    bd->bd_readonly ? ", read-only" : "");
		for (us = blockdomain_users; us != NULL; us = us->us_next) {
			if (us->us_disk == bd)
				blockdomain_show_user(us);
		}
	}
	mutex_unlock(&blockdomain_mtx);
	return 0;
}

const struct cmd cmd_blockdomain[] = {
	{ "blockdomain", "", "what is served to other guests, and how much",
	    blockdomain_cmd },
	{ NULL, NULL, NULL, NULL }
};
