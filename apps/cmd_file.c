/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_file.c -- the shell's commands about files.
 */

#include "shell.h"

#include <file.h>
#include <fs/sum.h>
#include <klog.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <string.h>
#include <tty.h>

#define CMD_BUFPG	16		/* pages to copy with */
#define CMD_BUF		(CMD_BUFPG * PV_PAGE_SIZE)
#define CMD_PIECE	4096		/* to the console at once */

/* ---- mounts ------------------------------------------------------------ */

static int
cmd_mounts(void)
{
	struct fs_info fi;
	unsigned int n;

	for (n = 0; fs_info(n, &fi) == 0; n++)
		kprintf("%s on %s, %s, %s\n", fi.fi_disk, fi.fi_path,
		    fi.fi_type, fi.fi_writable ? "writable" : "read-only");
	return 0;
}

static int
cmd_mount(int argc, char **argv)
{
	bool writable = argc > 1 && strcmp(argv[1], "-w") == 0;
	int first = writable ? 2 : 1;

	if (argc == 1)
		return cmd_mounts();
	if (argc - first != 2)
		return shell_usage(argv);
	/* A log line has told why not. */
	return fs_mount(argv[first], argv[first + 1], writable) != 0 ? 1 : 0;
}

static int
cmd_umount(int argc, char **argv)
{
	int rv;

	if (argc != 2)
		return shell_usage(argv);
	rv = fs_unmount(argv[1]);
	return rv != 0 ? shell_fail(argv, argv[1], rv) : 0;
}

static int
cmd_df(int argc, char **argv)
{
	struct fs_info fi;
	unsigned int n;

	kprintf("%-12s %12s %12s %12s  %s\n", "DISK", "KiB", "USED", "FREE",
	    "MOUNTED AT");
	for (n = 0; fs_info(n, &fi) == 0; n++)
		kprintf("%-12s %12llu %12llu %12llu  %s\n", fi.fi_disk,
		    (unsigned long long)(fi.fi_nbytes >> 10),
		    (unsigned long long)((fi.fi_nbytes - fi.fi_nfree) >> 10),
		    (unsigned long long)(fi.fi_nfree >> 10), fi.fi_path);
	return 0;
}

static int
cmd_sync(int argc, char **argv)
{
	int rv = fs_sync();

	return rv != 0 ? shell_fail(argv, "file systems", rv) : 0;
}

/* ---- listing ----------------------------------------------------------- */

/* Names are gathered first: file functions must not be called meanwhile. */
struct cmd_names {
	char		*cn_buf;
	size_t		 cn_len, cn_size;
};

static int
cmd_name(void *arg, const struct file_dirent *de)
{
	struct cmd_names *cn = arg;
	char *grown;

	if (cn->cn_len + de->de_namelen + 1 > cn->cn_size) {
		cn->cn_size = cn->cn_size * 2 + 1024;
		grown = krealloc(cn->cn_buf, cn->cn_size);
		if (grown == NULL)
			return -PV_ENOMEM;
		cn->cn_buf = grown;
	}
	memcpy(cn->cn_buf + cn->cn_len, de->de_name, de->de_namelen + 1);
	cn->cn_len += de->de_namelen + 1;
	return 0;
}

/* Names are whoever's wrote the disk: no control characters. */
static void
cmd_print_name(const char *name)
{
	char text[FILE_NAMEMAX + 1];
	size_t i, n = strnlen(name, sizeof(text) - 1);

	for (i = 0; i < n; i++)
		text[i] = (name[i] < ' ' && name[i] >= 0) || name[i] == 0x7f ?
		    '?' : name[i];
	text[n] = '\n';
	tty_write(text, n + 1);
}

static void
cmd_ls_line(const char *path, const char *name, bool l)
{
	static const char types[] = { '-', 'd', 'l', '?' };
	struct file_stat st;

	if (l && file_stat(path, &st) != 0)
		kprintf("?--- %12s %10s ", "-", "-");
	else if (l)
		kprintf("%c%03o %12llu %10llu ", types[st.fs_type],
		    st.fs_mode & 0777, (unsigned long long)st.fs_size,
		    (unsigned long long)st.fs_mtime);
	cmd_print_name(name);
}

static int
cmd_ls_dir(char **argv, const char *dir, bool l)
{
	struct cmd_names cn = { NULL, 0, 0 };
	char *path = kmalloc(FILE_PATHMAX);
	unsigned int lines = 0;
	size_t at;
	int rv;

	rv = path == NULL ? -PV_ENOMEM : file_readdir(dir, cmd_name, &cn);
	for (at = 0; rv == 0 && at < cn.cn_len;
	    at += strlen(cn.cn_buf + at) + 1) {
		printf_format(path, FILE_PATHMAX, "%s/%s", dir,
		    cn.cn_buf + at);
		cmd_ls_line(path, cn.cn_buf + at, l);
		if (++lines % 16 == 0 && shell_pace())
			break;
	}
	kfree(path);
	kfree(cn.cn_buf);
	return rv != 0 ? shell_fail(argv, dir, rv) : 0;
}

static int
cmd_ls(int argc, char **argv)
{
	bool l = argc > 1 && strcmp(argv[1], "-l") == 0;
	const char *path;
	struct file_stat st;
	int rv;

	if (argc > 2 + l)
		return shell_usage(argv);
	path = argc > 1 + l ? argv[1 + l] : "/";
	rv = file_stat(path, &st);
	if (rv != 0)
		return shell_fail(argv, path, rv);
	if (st.fs_type == FILE_DIR)
		return cmd_ls_dir(argv, path, l);
	cmd_ls_line(path, path, l);
	return 0;
}

/* ---- contents ---------------------------------------------------------- */

/*
 * Read a file to its end, piece by piece.  fn returns 0, or what ends it.
 */
static int
cmd_each(const char *path, size_t piece, int (*fn)(void *, void *, size_t),
    void *arg)
{
	struct file *fl;
	uint64_t off = 0;
	ptrdiff_t n = 0;
	void *buf;
	int rv;

	rv = file_open(path, FILE_READ, &fl);
	if (rv != 0)
		return rv;
	buf = page_alloc(CMD_BUFPG);
	if (buf == NULL)
		rv = -PV_ENOMEM;
	while (rv == 0 && (n = file_read(fl, off, buf, piece)) > 0) {
		rv = fn(arg, buf, n);
		off += n;
	}
	if (buf != NULL)
		page_free(buf, CMD_BUFPG);
	file_close(fl);
	return rv == 0 && n < 0 ? (int)n : rv;
}

static int
cmd_cat_piece(void *arg, void *buf, size_t len)
{
	(void)arg;
	tty_write(buf, len);
	return shell_pace() ? -PV_ECANCELED : 0;
}

static int
cmd_cat(int argc, char **argv)
{
	int i, rv;

	if (argc < 2)
		return shell_usage(argv);
	for (i = 1; i < argc; i++) {
		rv = cmd_each(argv[i], CMD_PIECE, cmd_cat_piece, NULL);
		if (rv != 0)
			return shell_fail(argv, argv[i], rv);
	}
	return 0;
}

static int
cmd_sum_piece(void *arg, void *buf, size_t len)
{
	sum_add(arg, buf, len);
	return 0;
}

static int
cmd_sha256sum(int argc, char **argv)
{
	uint8_t digest[SUM_LEN];
	struct sum sm;
	unsigned int b;
	int i, rv;

	if (argc < 2)
		return shell_usage(argv);
	for (i = 1; i < argc; i++) {
		sum_begin(&sm);
		rv = cmd_each(argv[i], CMD_BUF, cmd_sum_piece, &sm);
		if (rv != 0)
			return shell_fail(argv, argv[i], rv);
		sum_end(&sm, digest);
		for (b = 0; b < SUM_LEN; b++)
			kprintf("%02x", digest[b]);
		kprintf("  %s\n", argv[i]);
	}
	return 0;
}

struct cmd_copy {
	struct file	*cc_to;
	uint64_t	 cc_off;
};

static int
cmd_cp_piece(void *arg, void *buf, size_t len)
{
	struct cmd_copy *cc = arg;
	ptrdiff_t n;

	n = file_write(cc->cc_to, cc->cc_off, buf, len);
	if (n < 0)
		return (int)n;
	cc->cc_off += n;
	return (size_t)n == len ? 0 : -PV_ENOSPC;
}

/* The name to give it in a directory: TO/base of FROM. */
static int
cmd_target(const char *from, const char *to, char *path)
{
	const char *base = strrchr(from, '/');
	struct file_stat st;
	bool dir = file_stat(to, &st) == 0 && st.fs_type == FILE_DIR;
	size_t n;

	n = printf_format(path, FILE_PATHMAX, "%s%s%s", to, dir ? "/" : "",
	    !dir ? "" : base != NULL ? base + 1 : from);
	return n < FILE_PATHMAX ? 0 : -PV_EINVAL;
}

static bool
cmd_same_file(const char *a, const char *b)
{
	struct file_stat sta, stb;

	return file_stat(a, &sta) == 0 && file_stat(b, &stb) == 0 &&
	    sta.fs_ino == stb.fs_ino && sta.fs_mtime == stb.fs_mtime;
}

static int
cmd_cp(int argc, char **argv)
{
	struct cmd_copy cc = { NULL, 0 };
	struct file_stat st;
	char *path;
	int rv, frv;

	if (argc != 3)
		return shell_usage(argv);
	path = kmalloc(FILE_PATHMAX);
	rv = path == NULL ? -PV_ENOMEM : cmd_target(argv[1], argv[2], path);
	/* Before the target is emptied. */
	if (rv == 0)
		rv = file_stat(argv[1], &st);
	if (rv == 0 && st.fs_type != FILE_REG)
		rv = -PV_EISDIR;
	if (rv == 0 && cmd_same_file(argv[1], path))
		rv = -PV_EEXIST;
	if (rv == 0)
		rv = file_open(path, FILE_WRITE | FILE_CREATE | FILE_TRUNC,
		    &cc.cc_to);
	kfree(path);
	if (rv != 0)
		return shell_fail(argv, argv[1], rv);
	rv = cmd_each(argv[1], CMD_BUF, cmd_cp_piece, &cc);
	frv = file_fsync(cc.cc_to);
	file_close(cc.cc_to);
	if (rv == 0)
		rv = frv;
	return rv != 0 ? shell_fail(argv, argv[2], rv) : 0;
}

/* ---- names ------------------------------------------------------------- */

static int
cmd_mv(int argc, char **argv)
{
	char *path;
	int rv;

	if (argc != 3)
		return shell_usage(argv);
	path = kmalloc(FILE_PATHMAX);
	rv = path == NULL ? -PV_ENOMEM : cmd_target(argv[1], argv[2], path);
	if (rv == 0)
		rv = file_rename(argv[1], path);
	kfree(path);
	return rv != 0 ? shell_fail(argv, argv[1], rv) : 0;
}

static int
cmd_paths(int argc, char **argv, int (*fn)(const char *))
{
	int i, rv;

	if (argc < 2)
		return shell_usage(argv);
	for (i = 1; i < argc; i++) {
		rv = fn(argv[i]);
		if (rv != 0)
			return shell_fail(argv, argv[i], rv);
	}
	return 0;
}

static int
cmd_rm(int argc, char **argv)
{
	return cmd_paths(argc, argv, file_unlink);
}

static int
cmd_mkdir(int argc, char **argv)
{
	return cmd_paths(argc, argv, file_mkdir);
}

static int
cmd_rmdir(int argc, char **argv)
{
	return cmd_paths(argc, argv, file_rmdir);
}

const struct cmd cmd_file[] = {
	{ "mount", "[[-w] DISK PATH]", "mount a disk at / or /mnt/NAME (-w:"
	    " writable), or list mounts", cmd_mount },
	{ "umount", "PATH", "unmount", cmd_umount },
	{ "df", "", "space on mounted disks", cmd_df },
	{ "sync", "", "write everything to the disks", cmd_sync },
	{ "ls", "[-l] [PATH]", "list a directory (-l: type, mode, size,"
	    " time of change)", cmd_ls },
	{ "cat", "FILE ...", "print files", cmd_cat },
	{ "sha256sum", "FILE ...", "SHA-256 of files", cmd_sha256sum },
	{ "cp", "FROM TO", "copy a file", cmd_cp },
	{ "mv", "FROM TO", "rename a file or directory", cmd_mv },
	{ "rm", "FILE ...", "remove files", cmd_rm },
	{ "mkdir", "DIR ...", "make directories", cmd_mkdir },
	{ "rmdir", "DIR ...", "remove empty directories", cmd_rmdir },
	{ NULL, NULL, NULL, NULL }
};
