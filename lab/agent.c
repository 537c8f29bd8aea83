/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent — runs the host's commands in the lab's dom0.
 *
 * The host speaks to it over one character device (a virtio-serial port) in
 * frames: an 8-byte header, then len bytes.  Each command is a session with
 * an id that the host chooses; any number may run side by side.
 *
 *	host to agent	R  run the payload with sh -c	I  bytes for its stdin
 *			T  the same on a terminal (stderr comes as stdout)
 *			E  end of its stdin	K  kill its process group
 *			N  nothing, to interrupt the machine
 *	agent to host	H  hello (once, session 0)	O  bytes of its stdout
 *			X  bytes of its stderr		D  done: 4 bytes, status
 *
 * Numbers are little-endian, as on this machine.  Static; usage: agent DEVICE.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT_SESSIONS	64
#define AGENT_PAYLOAD	65536
#define AGENT_PIPE	(1 << 20)	/* so that stdin never blocks us */

struct frame {
	uint16_t	fr_id;
	uint8_t		fr_type;
	uint8_t		fr_zero;
	uint32_t	fr_len;
};

struct session {
	int		se_used;
	uint16_t	se_id;
	pid_t		se_pid;
	int		se_in;		/* -1 once closed; as these: */
	int		se_out;
	int		se_err;
};

static struct session sessions[AGENT_SESSIONS];
static char payload[AGENT_PAYLOAD + 1];
static int port;

static void
agent_write(const void *p, size_t len)
{
	const char *c = p;
	ssize_t n;

	while (len > 0) {
		n = write(port, c, len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			err(1, "write");
		if (n > 0) {
			c += n;
			len -= (size_t)n;
		}
	}
}

/* Returns 0 when the host is gone. */
static int
agent_read(void *p, size_t len)
{
	char *c = p;
	ssize_t n;

	while (len > 0) {
		n = read(port, c, len);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			err(1, "read");
		if (n > 0) {
			c += n;
			len -= (size_t)n;
		}
	}
	return 1;
}

static void
agent_send(uint16_t id, char type, const void *p, size_t len)
{
	struct frame fr = { id, (uint8_t)type, 0, (uint32_t)len };

	agent_write(&fr, sizeof(fr));
	agent_write(p, len);
}

static struct session *
session_find(uint16_t id)
{
	for (int i = 0; i < AGENT_SESSIONS; i++)
		if (sessions[i].se_used && sessions[i].se_id == id)
			return &sessions[i];
	return NULL;
}

static struct session *
session_new(uint16_t id)
{
	for (int i = 0; i < AGENT_SESSIONS; i++)
		if (!sessions[i].se_used) {
			sessions[i] = (struct session){ .se_used = 1,
			    .se_id = id };
			return &sessions[i];
		}
	return NULL;
}

static void
session_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
session_child(int in, int out, int errfd, const char *cmd)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(errfd, 2);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
	_exit(127);
}

static void
session_run(uint16_t id, const char *cmd)
{
	int32_t failed = 127;
	int in[2], out[2], er[2];
	struct session *se = session_new(id);

	if (se == NULL || pipe2(in, O_CLOEXEC) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0 || pipe2(er, O_CLOEXEC) < 0) {
		if (se != NULL)
			se->se_used = 0;
		agent_send(id, 'D', &failed, sizeof(failed));
		return;
	}
	fcntl(in[1], F_SETPIPE_SZ, AGENT_PIPE);
	se->se_in = in[1];
	se->se_out = out[0];
	se->se_err = er[0];
	se->se_pid = fork();
	if (se->se_pid == 0)
		session_child(in[0], out[1], er[1], cmd);
	close(in[0]);
	close(out[1]);
	close(er[1]);
}

/* The same on a pseudo-terminal, for a person. */
static void
session_terminal(uint16_t id, const char *cmd)
{
	int32_t failed = 127;
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	struct session *se = session_new(id);
	int fd = -1;
	pid_t pid = se != NULL ? forkpty(&fd, NULL, NULL, &ws) : -1;

	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		if (se != NULL)
			se->se_used = 0;
		agent_send(id, 'D', &failed, sizeof(failed));
		return;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	se->se_pid = pid;
	se->se_in = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	se->se_out = fd;
	se->se_err = -1;
}

static void
session_input(struct session *se, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0 && se->se_in >= 0) {
		n = write(se->se_in, p, len);
		if (n < 0 && errno != EINTR)
			session_close(&se->se_in);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* Both outputs are at their end: say how the command ended. */
static void
session_done(struct session *se)
{
	int st = 0;
	int32_t rc = 127;

	session_close(&se->se_in);
	if (waitpid(se->se_pid, &st, 0) == se->se_pid)
		rc = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	se->se_used = 0;
	agent_send(se->se_id, 'D', &rc, sizeof(rc));
}

static void
session_output(struct session *se, int *fd, char type)
{
	char buf[16384];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0)
		agent_send(se->se_id, type, buf, (size_t)n);
	else if (n == 0 || errno != EINTR)
		session_close(fd);
	if (se->se_out < 0 && se->se_err < 0)
		session_done(se);
}

static void
agent_frame(void)
{
	struct frame fr;
	struct session *se;

	if (!agent_read(&fr, sizeof(fr)) || fr.fr_len > AGENT_PAYLOAD ||
	    !agent_read(payload, fr.fr_len)) {
		usleep(100000);		/* no host, for now */
		return;
	}
	payload[fr.fr_len] = '\0';
	se = session_find(fr.fr_id);
	if (fr.fr_type == 'R')
		session_run(fr.fr_id, payload);
	else if (fr.fr_type == 'T')
		session_terminal(fr.fr_id, payload);
	else if (se != NULL && fr.fr_type == 'I')
		session_input(se, payload, fr.fr_len);
	else if (se != NULL && fr.fr_type == 'E')
		session_close(&se->se_in);
	else if (se != NULL && fr.fr_type == 'K')
		kill(-se->se_pid, SIGTERM);
}

static void
agent_poll(void)
{
	struct pollfd pf[1 + 2 * AGENT_SESSIONS];

	pf[0] = (struct pollfd){ .fd = port, .events = POLLIN };
	for (int i = 0; i < AGENT_SESSIONS; i++) {
		struct session *se = &sessions[i];

		pf[1 + 2 * i] = (struct pollfd){ .events = POLLIN,
		    .fd = se->se_used ? se->se_out : -1 };
		pf[2 + 2 * i] = (struct pollfd){ .events = POLLIN,
		    .fd = se->se_used ? se->se_err : -1 };
	}
	if (poll(pf, 1 + 2 * AGENT_SESSIONS, -1) < 0)
		return;
	for (int i = 0; i < AGENT_SESSIONS; i++) {
		if (pf[1 + 2 * i].revents != 0)
			session_output(&sessions[i], &sessions[i].se_out, 'O');
		if (pf[2 + 2 * i].revents != 0)
			session_output(&sessions[i], &sessions[i].se_err, 'X');
	}
	if (pf[0].revents & POLLIN)
		agent_frame();
	else if (pf[0].revents != 0)
		usleep(100000);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: agent DEVICE");
	port = open(argv[1], O_RDWR | O_CLOEXEC);
	if (port < 0)
		err(1, "%s", argv[1]);
	signal(SIGPIPE, SIG_IGN);
	agent_send(0, 'H', "", 0);
	for (;;)
		agent_poll();
}
