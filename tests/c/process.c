/* A guest in the program's process: threads, signals, descriptors, stdout and stderr.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "provider.h"

static ciba_client *client;

static void sign_in(void) {
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  ciba_free(flow);
}

/* Calls `each` with the number and the path of every entry of a folder below /proc/self. */
static void each_entry(const char *folder, void (*each)(int number, const char *path)) {
  DIR *dir = opendir(folder);
  struct dirent *entry;
  char path[512];
  CHECK(dir != NULL);
  while (dir && (entry = readdir(dir)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
      each(atoi(entry->d_name), path);
  }
  if (dir)
    closedir(dir);
}

/* The line of a file that begins with this; an empty text if there is none. */
static void read_line(const char *path, const char *file, const char *beginning, char *line, int room) {
  char name[600];
  FILE *stream;
  snprintf(name, sizeof name, "%s/%s", path, file);
  stream = fopen(name, "re");
  line[0] = '\0';
  while (stream && fgets(line, room, stream) && strncmp(line, beginning, strlen(beginning)) != 0)
    line[0] = '\0';
  if (stream)
    fclose(stream);
}

static int engines, resolvers, others, signals_let_in;

static void look_at_thread(int number, const char *path) {
  char name[64], blocked[128];
  (void)number;
  read_line(path, "comm", "", name, sizeof name);
  engines += strcmp(name, "ciba-engine\n") == 0;
  resolvers += strcmp(name, "ciba-resolver\n") == 0;
  others += strncmp(name, "ciba-", 5) != 0;
  if (strncmp(name, "ciba-", 5) == 0) {
    unsigned long long mask;
    read_line(path, "status", "SigBlk:", blocked, sizeof blocked);
    mask = strtoull(blocked + 7, NULL, 16);
    /* But for KILL, STOP and the two that the C library keeps for itself (32, 33). */
    signals_let_in += (mask | 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 3ull << 31) != ~0ull;
  }
}

static void the_library_has_one_engine_thread_and_at_most_two_for_names(void) {
  sign_in();
  engines = resolvers = others = signals_let_in = 0;
  each_entry("/proc/self/task", look_at_thread);
  CHECK_NUMBER(1, engines);
  CHECK(resolvers >= 1 && resolvers <= 2); /* the provider is reached by name */
  CHECK_NUMBER(1, others);
  CHECK_NUMBER(0, less(signals_let_in, 0)); /* what the kernel has there is Valgrind's own mask */
}

static pthread_t main_thread;
static volatile sig_atomic_t handled, handled_elsewhere;

static void on_signal(int number) {
  (void)number;
  handled++;
  if (!pthread_equal(pthread_self(), main_thread))
    handled_elsewhere++;
}

static void no_signal_of_the_program_is_delivered_to_the_librarys_threads(void) {
  static const int numbers[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGPIPE, SIGHUP, SIGTERM, SIGINT, SIGWINCH, SIGURG};
  struct sigaction action, before[10];
  struct timespec none = {0, 0};
  sigset_t blocked, usual;
  size_t i, round;
  ciba_flow *flow = new_flow(client, "wait");
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&blocked);
  for (i = 0; i < 10; i++) {
    sigaddset(&blocked, numbers[i]);
    CHECK(sigaction(numbers[i], &action, &before[i]) == 0);
  }
  handled = handled_elsewhere = 0;
  /* Blocked by every thread of the program: only one that the library left open could get them. */
  pthread_sigmask(SIG_BLOCK, &blocked, &usual);
  for (round = 0; round < 20; round++) {
    for (i = 0; i < 10; i++)
      kill(getpid(), numbers[i]);
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 100, NULL)); /* two polls come due meanwhile */
  }
  CHECK_NUMBER(0, handled);
  pthread_sigmask(SIG_SETMASK, &usual, NULL); /* they were pending all the time */
  CHECK_NUMBER(10, handled);
  CHECK_NUMBER(0, handled_elsewhere);
  while (sigtimedwait(&blocked, NULL, &none) > 0)
    continue;
  for (i = 0; i < 10; i++)
    sigaction(numbers[i], &before[i], NULL);
  ciba_free(flow);
}

static void signals_that_interrupt_a_wait_do_no_harm(void) {
  struct sigaction action, before;
  struct itimerval every_5_ms = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
  int64_t began;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  memset(&action, 0, sizeof action); /* no SA_RESTART */
  action.sa_handler = on_signal;
  handled = handled_elsewhere = 0;
  sigaction(SIGALRM, &action, &before);
  setitimer(ITIMER_REAL, &every_5_ms, NULL);
  began = now_us();
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 300, NULL));
  CHECK(waited_ms(began, 300));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  CHECK(handled > 20 && handled_elsewhere == 0);
  ciba_free(flow);
}

static void the_library_installs_no_handlers(void) {
  int number;
  for (number = 1; number < 32; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0)
      CHECK(action.sa_handler == SIG_DFL);
  }
}

static int descriptors, inherited;

static void look_at_descriptor(int number, const char *path) {
  (void)path;
  if (number > 2) {
    descriptors++;
    inherited += (fcntl(number, F_GETFD) & FD_CLOEXEC) == 0;
  }
}

static void every_descriptor_is_close_on_exec(void) {
  int open_before;
  ciba_config *config = new_config();
  ciba_client *logging = NULL;
  char name[] = "/tmp/ciba-log-XXXXXX";
  int file = mkostemp(name, O_CLOEXEC);
  descriptors = inherited = 0;
  each_entry("/proc/self/fd", look_at_descriptor);
  open_before = descriptors;
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "log_file", name, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &logging, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_check(logging, -1, NULL)); /* with a connection of its own */
  descriptors = inherited = 0;
  each_entry("/proc/self/fd", look_at_descriptor);
  CHECK(descriptors >= open_before + 2);
  CHECK_NUMBER(0, inherited);
  ciba_client_free(logging);
  ciba_config_free(config);
  close(file);
  unlink(name);
}

static void nothing_is_written_to_stdout_or_stderr(void) {
  char name[] = "/tmp/ciba-output-XXXXXX";
  int to = mkostemp(name, O_CLOEXEC), out = dup(1), err = dup(2);
  off_t written;
  ciba_flow *flow = NULL;
  ciba_request *request = new_request("fail server_is_gone after 0 s");
  ciba_status statuses[3];
  fflush(NULL);
  dup2(to, 1);
  dup2(to, 2);
  ciba_init(client, request, -1, &flow, NULL);
  statuses[0] = ciba_poll(flow, -1, NULL);
  ciba_free(flow);
  fault("start", "\"reset\"");
  statuses[1] = ciba_init(client, request, -1, &flow, NULL);
  ciba_free(flow);
  tell("POST /offline", NULL);
  statuses[2] = ciba_init(client, request, -1, &flow, NULL);
  ciba_free(flow);
  tell("POST /online", NULL);
  written = lseek(to, 0, SEEK_END);
  write(1, "proof", 5); /* the same place finds what is written */
  CHECK_NUMBER(written + 5, lseek(to, 0, SEEK_END));
  dup2(out, 1);
  dup2(err, 2);
  CHECK_STATUS(CIBA_PROVIDER_ERROR, statuses[0]);
  CHECK_STATUS(CIBA_START_UNKNOWN, statuses[1]);
  CHECK_STATUS(CIBA_CONNECT_FAILED, statuses[2]);
  CHECK_NUMBER(0, written);
  ciba_request_free(request);
  close(out), close(err), close(to);
  unlink(name);
}

static const struct test tests[] = {
    {"the library has one engine thread and at most two for names, and they block all signals", the_library_has_one_engine_thread_and_at_most_two_for_names},
    {"no signal of the program is delivered to the library's threads", no_signal_of_the_program_is_delivered_to_the_librarys_threads},
    {"signals that interrupt a wait do no harm", signals_that_interrupt_a_wait_do_no_harm},
    {"the library installs no handlers", the_library_installs_no_handlers},
    {"every descriptor is close-on-exec", every_descriptor_is_close_on_exec},
    {"nothing is written to stdout or stderr", nothing_is_written_to_stdout_or_stderr},
};

int main(void) {
  int failed;
  main_thread = pthread_self();
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
