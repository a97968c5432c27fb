/*
 * A wall clock that stands still until a test moves it, for redis-server: preloaded, it gives the microseconds since the
 * epoch that the file named by MOVED_CLOCK holds (an int64 in the machine's order), while the monotonic clock goes on.
 * The calls go to the kernel and allocate nothing, since jemalloc asks for the time while it starts.
 *
 *   cc -shared -fPIC -O2 -o moved-clock.so moved-clock.c
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *micros;

__attribute__((constructor)) static void map_clock(void) {
  const char *path = getenv("MOVED_CLOCK");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) _exit(127);
  void *page = mmap(NULL, sizeof *micros, PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) _exit(127);
  micros = page;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  if (!micros || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
    return (int)syscall(SYS_clock_gettime, clock, at);
  int64_t now = *micros;
  at->tv_sec = now / 1000000;
  at->tv_nsec = now % 1000000 * 1000;
  return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
