/* Signs a person in, and shows what happens.
 *
 *   CIBA_CLIENT_SECRET=… sign_in SETTING=VALUE… -- PARAMETER=VALUE…
 *
 * for example
 *
 *   sign_in provider=telenor-test client_id=desk-7 -- login_hint=+4799988777
 *
 * The tables at the head of ciba.h list the settings and the request's parameters. Ctrl-C gives up.
 * Exit code: 0 approved, 1 error, 2 denied, 3 expired, 130 given up.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L /* for sigaction() and isatty() */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ciba.h>

enum { APPROVED = 0, FAILED = 1, DENIED = 2, EXPIRED = 3, GIVEN_UP = 130 };

/* How long Ctrl-C may go unnoticed, and how long the provider has to take note of it. */
#define LOOK_AGAIN_MS 100
#define CANCEL_MS 5000

static volatile sig_atomic_t give_up;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  give_up = 1; /* all that a signal handler should do; the main loop does the rest */
}

static void clear_line(void) {
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "\r%14s\r", "");
}

static void say(const char *text) {
  clear_line();
  fprintf(stderr, "%s\n", text);
}

/* What the person at this desk has been told. */
struct display {
  int32_t stage;
  int64_t polls;
};

/* Called by ciba_poll() when something has changed, and about once a second. */
static int32_t show_progress(void *userdata, int32_t stage, int64_t expires_in_ms, int64_t next_poll_in_ms,
                             int64_t polls) {
  struct display *shown = userdata;
  (void)next_poll_in_ms;
  if (stage == CIBA_STAGE_PENDING && shown->stage < CIBA_STAGE_PENDING)
    say("The phone rings. Ctrl-C gives up.");
  if (stage == CIBA_STAGE_PENDING && isatty(STDERR_FILENO))
    fprintf(stderr, "  %3" PRId64 " s left \r", expires_in_ms / 1000);
  else if (stage == CIBA_STAGE_PENDING && polls > shown->polls)
    fprintf(stderr, "  not yet; %" PRId64 " s left\n", expires_in_ms / 1000);
  if (stage == CIBA_STAGE_VERIFYING && shown->stage < CIBA_STAGE_VERIFYING)
    say("Answered. The tokens are being verified.");
  shown->stage = stage;
  shown->polls = polls;
  return give_up; /* anything but 0: ciba_poll() returns now, and nothing is lost */
}

/* Says on one line what went wrong, frees the error, and returns the exit code. */
static int report(ciba_status status, ciba_error *err) {
  const char *message = err ? ciba_error_message(err) : ciba_status_text(status);
  clear_line();
  fprintf(stderr, "sign_in: %s: %s\n", ciba_status_name(status), message);
  ciba_error_free(err);
  return FAILED;
}

/* Sets NAME=VALUE… up to "--" or the end, and moves *words behind it. One of config and request is NULL. */
static ciba_status set_all(char ***words, ciba_config *config, ciba_request *request, ciba_error **err) {
  ciba_status status = CIBA_OK;
  for (; **words && strcmp(**words, "--") != 0 && status == CIBA_OK; ++*words) {
    const char *name = **words, *value = NULL; /* NULL is refused, as everywhere */
    char *equals = strchr(**words, '=');
    if (equals) {
      *equals = '\0';
      value = equals + 1;
    }
    status = config ? ciba_config_set(config, name, value, err) : ciba_request_set(request, name, value, err);
  }
  if (**words && status == CIBA_OK)
    ++*words;
  return status;
}

/* Waits for the person's answer, and gives up when Ctrl-C was pressed. */
static ciba_status wait_for_answer(ciba_flow *flow, ciba_error **err) {
  ciba_status status;
  while ((status = ciba_poll(flow, LOOK_AGAIN_MS, err)) == CIBA_PENDING) {
    if (give_up && ciba_cancel(flow, CANCEL_MS, NULL) != CIBA_OK)
      say("The provider could not be told: the phone may go on ringing.");
  }
  return status;
}

/* Nothing from outside may steer the terminal. */
static void print_text(const char *text) {
  for (; *text; text++)
    putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void print_claims(const ciba_tokens *tokens) {
  const char *name;
  size_t index;
  for (index = 0; (name = ciba_tokens_claim_name(tokens, index, NULL)) != NULL; index++) {
    const char *value = ciba_tokens_claim(tokens, name, NULL);
    int width = 24 - (int)strlen(name);
    printf("  ");
    print_text(name);
    printf("%*s", width > 1 ? width : 1, "");
    print_text(value ? value : "");
    putchar('\n');
  }
}

static int sign_in(ciba_client *client, const ciba_request *request) {
  struct display shown = {0, 0};
  ciba_flow *flow = NULL;
  ciba_tokens *tokens = NULL;
  ciba_error *err = NULL;
  int exit_code;

  /* With timeout 0 the flow is here at once: Ctrl-C works while the request is on its way, too. */
  ciba_status status = ciba_init(client, request, 0, &flow, &err);
  if (status == CIBA_OK || status == CIBA_PENDING) {
    say("The request is sent.");
    ciba_flow_on_progress(flow, show_progress, &shown, NULL, NULL);
    status = wait_for_answer(flow, &err);
  }
  if (status == CIBA_OK)
    status = ciba_flow_tokens(flow, &tokens, &err);

  switch (status) {
  case CIBA_OK:
    say("Approved. These claims have been verified:");
    print_claims(tokens);
    exit_code = APPROVED;
    break;
  case CIBA_DENIED:
    say("Denied.");
    exit_code = DENIED;
    break;
  case CIBA_EXPIRED:
    say("Nobody answered in time.");
    exit_code = EXPIRED;
    break;
  case CIBA_CANCELLED:
    say("Given up.");
    exit_code = GIVEN_UP;
    break;
  default:
    exit_code = report(status, err);
    err = NULL;
  }
  ciba_error_free(err);
  ciba_tokens_free(tokens);
  ciba_free(flow);
  return exit_code;
}

int main(int argc, char **argv) {
  char **words = argv + 1;
  /* Others on this machine can read a command line: the secret is better in the environment. */
  const char *secret = getenv("CIBA_CLIENT_SECRET");
  ciba_config *config = ciba_config_new();
  ciba_request *request = ciba_request_new();
  ciba_client *client = NULL;
  ciba_error *err = NULL;
  ciba_status status;
  struct sigaction interrupt;
  int exit_code;

  if (argc < 2) {
    fprintf(stderr, "usage: CIBA_CLIENT_SECRET=... sign_in SETTING=VALUE... -- PARAMETER=VALUE...\n");
    ciba_request_free(request);
    ciba_config_free(config);
    return FAILED;
  }
  interrupt.sa_handler = on_interrupt;
  interrupt.sa_flags = SA_RESETHAND; /* a second Ctrl-C ends the program at once */
  sigemptyset(&interrupt.sa_mask);
  sigaction(SIGINT, &interrupt, NULL);

  status = ciba_config_set(config, "client_secret", secret ? secret : "", &err);
  if (status == CIBA_OK)
    status = set_all(&words, config, NULL, &err);
  if (status == CIBA_OK)
    status = set_all(&words, NULL, request, &err);
  if (status == CIBA_OK)
    status = ciba_client_new(config, &client, &err);
  exit_code = status == CIBA_OK ? sign_in(client, request) : report(status, err);

  ciba_request_free(request);
  ciba_client_free(client);
  ciba_config_free(config);
  return exit_code;
}
