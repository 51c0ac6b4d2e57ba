//go:build cgo

package index

/*
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct sigaction before; // Go's

static int ends_in(const char *line, size_t n, const char *end) {
	size_t m = strlen(end);
	return n >= m && memcmp(line + n - m, end, m) == 0;
}

static uintptr_t hex(const char **s) {
	uintptr_t v = 0;
	for (;; (*s)++) {
		char c = **s;
		if (c >= '0' && c <= '9') v = v << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f') v = v << 4 | (c - 'a' + 10);
		else return v;
	}
}

// of_index tells whether a file of an index is mapped at an address. A line of maps is "from-to perms offset dev inode path".
static int of_index(uintptr_t at) {
	char line[512], block[1024];
	size_t n = 0;
	ssize_t got;
	int found = 0, fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	while (!found && (got = read(fd, block, sizeof block)) > 0) {
		for (ssize_t i = 0; i < got && !found; i++) {
			if (block[i] != '\n') {
				if (n == sizeof line - 1) { // a long path: its end counts
					memmove(line + 64, line + 65, n - 65);
					n--;
				}
				line[n++] = block[i];
				continue;
			}
			line[n] = 0;
			const char *s = line;
			uintptr_t from = hex(&s);
			s++;
			uintptr_t to = hex(&s);
			found = at >= from && at < to &&
				(ends_in(line, n, ".sst") || ends_in(line, n, ".mem") || ends_in(line, n, ".vlog") || ends_in(line, n, "/DISCARD"));
			n = 0;
		}
	}
	close(fd);
	return found;
}

static void on_bus(int sig, siginfo_t *info, void *context) {
	static int tries;
	static time_t last;
	int was = errno;
	if (info->si_code > 0 && of_index((uintptr_t)info->si_addr)) {
		struct timespec now, pause = {0, 20 * 1000 * 1000};
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > last + 1) tries = 0;
		last = now.tv_sec;
		if (tries++ < 100) { // the page is tried again
			nanosleep(&pause, NULL);
			errno = was;
			return;
		}
		static const char text[] = "error: the disk of the state folder is full, or fails, while the index of results is in use; what was recorded before is safe: "
			"make room (rein cache gc), or put the folder elsewhere (--state DIR, REIN_STATE)\n";
		if (write(2, text, sizeof text - 1) < 0) {}
		_exit(3);
	}
	errno = was;
	if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(sig, info, context);
	else sigaction(sig, &before, NULL); // as it was: the fault comes again
}

static void guard_bus(void) {
	struct sigaction a;
	if (sigaction(SIGBUS, NULL, &before) != 0) return;
	a = before;
	a.sa_sigaction = on_bus;
	a.sa_flags |= SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGBUS, &a, NULL);
}
*/
import "C"

import "sync"

// guardBus handles a disk that becomes full between our check of its free space and Badger's write to a mapped file, and one from which a
// mapped file can't be read. The system then sends SIGBUS, which Go treats as a crash. The access is tried again for two seconds, in case
// space becomes free. Then the program ends and says what to do. Nothing is lost: the index is as it is after a kill. All other faults go to
// Go's own handler.
var guardBus = sync.OnceFunc(func() { C.guard_bus() })
