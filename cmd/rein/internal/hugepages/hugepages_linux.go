//go:build cgo && (amd64 || arm64) && !msan && !asan

package hugepages

/*
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The runtime's heap grows by multiples of grain. Beyond most, huge pages save little, and a process that runs for long would keep memory
// that Go gives back to the kernel in smaller pieces.
static const size_t grain = 4 << 20, most = 64 << 20;

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) {
	static atomic_size_t so_far;
	void *p = (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
	int heap = prot == (PROT_READ | PROT_WRITE) && flags == (MAP_ANON | MAP_FIXED | MAP_PRIVATE) && length % grain == 0;
	if (p != MAP_FAILED && heap && atomic_fetch_add(&so_far, length) < most) {
		int was = errno;
		madvise(p, length, MADV_HUGEPAGE); // fails where the kernel has no huge pages
		errno = was;
	}
	return p;
}
*/
import "C"
