/* What is done with tokens after a person has approved: refresh, userinfo, introspection, revocation, at
 * a provider after the specification's own words.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "provider.h"

#define REFRESH "POST /token"
/* A pointer that must not survive a call: outputs are set on entry. */
#define STALE ((void *)"stale")

static ciba_client *client;

static ciba_client *generic_client(void) {
  ciba_config *config = ciba_config_new();
  ciba_client *made = NULL;
  const char *settings = getenv("CIBA_SETTINGS");
  CHECK(settings != NULL);
  CHECK_STATUS(CIBA_OK, ciba_config_set_json(config, settings ? settings : "{}", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "proxy", "none", NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &made, NULL));
  ciba_config_free(config);
  return made;
}

/* The tokens of a sign-in, with a refresh token. */
static ciba_tokens *signed_in(void) {
  ciba_request *request = ciba_request_new();
  ciba_flow *flow = NULL;
  ciba_tokens *tokens = NULL;
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "login_hint", "alice", NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "scope", "openid offline_access", NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "binding_message", "approve after 0 s", NULL));
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &flow, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_tokens(flow, &tokens, NULL));
  ciba_request_free(request);
  ciba_free(flow);
  return tokens;
}

static int same(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

static void a_refresh_brings_fresh_tokens_of_the_same_person(void) {
  ciba_tokens *tokens = signed_in(), *fresh = STALE, *again = STALE;
  int before = requests(REFRESH);
  CHECK_STATUS(CIBA_OK, ciba_client_refresh(client, tokens, -1, &fresh, NULL));
  CHECK(same(ciba_tokens_claim(fresh, "sub", NULL), "alice"));
  CHECK(!same(ciba_tokens_get(fresh, "access_token", NULL), ciba_tokens_get(tokens, "access_token", NULL)));
  CHECK(!same(ciba_tokens_get(fresh, "refresh_token", NULL), ciba_tokens_get(tokens, "refresh_token", NULL)));

  /* The refresh token is used up: the same tokens come again, and nothing is sent. */
  CHECK_STATUS(CIBA_OK, ciba_client_refresh(client, tokens, -1, &again, NULL));
  CHECK(same(ciba_tokens_get(again, "access_token", NULL), ciba_tokens_get(fresh, "access_token", NULL)));
  ciba_tokens_free(again);
  ciba_tokens_free(fresh);
  CHECK_STATUS(CIBA_ALREADY_REFRESHED, ciba_client_refresh(client, tokens, -1, &again, NULL));
  CHECK(again == NULL);
  CHECK_NUMBER(before + 1, requests(REFRESH));
  ciba_tokens_free(tokens);
}

struct refreshing {
  ciba_tokens *tokens, *fresh;
  ciba_status status;
};

static void *refresh(void *argument) {
  struct refreshing *refreshing = argument;
  refreshing->status = ciba_client_refresh(client, refreshing->tokens, -1, &refreshing->fresh, NULL);
  return NULL;
}

static void threads_that_refresh_the_same_tokens_send_one_request(void) {
  struct refreshing all[8];
  pthread_t threads[8];
  ciba_tokens *tokens = signed_in();
  int before = requests(REFRESH), i;
  fault("refresh", "{\"hold\": 100}");
  for (i = 0; i < 8; i++) {
    all[i].tokens = tokens;
    all[i].fresh = NULL;
    CHECK(pthread_create(&threads[i], NULL, refresh, &all[i]) == 0);
  }
  for (i = 0; i < 8; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_STATUS(CIBA_OK, all[i].status);
    CHECK(same(ciba_tokens_get(all[i].fresh, "access_token", NULL), ciba_tokens_get(all[0].fresh, "access_token", NULL)));
  }
  for (i = 0; i < 8; i++)
    ciba_tokens_free(all[i].fresh);
  CHECK_NUMBER(before + 1, requests(REFRESH));
  ciba_tokens_free(tokens);
}

static void a_call_whose_time_is_up_loses_nothing(void) {
  static const int64_t short_ones[] = {0, 1, 50};
  size_t i;
  for (i = 0; i < sizeof short_ones / sizeof *short_ones; i++) {
    ciba_tokens *tokens = signed_in(), *fresh = STALE;
    ciba_answer *answer = STALE;
    int before = requests(REFRESH);
    int64_t began = now_us();
    fault("refresh", "{\"process_then_hold\": 1500}");
    fault("userinfo", "{\"hold\": 1500}");
    fault("revocation", "{\"hold\": 1500}");
    CHECK_STATUS(CIBA_PENDING, ciba_client_refresh(client, tokens, short_ones[i], &fresh, NULL));
    CHECK(waited_ms(began, short_ones[i]) && fresh == NULL);
    CHECK_STATUS(CIBA_PENDING, ciba_client_userinfo(client, tokens, 0, &answer, NULL));
    CHECK(answer == NULL);
    CHECK_STATUS(CIBA_OK, ciba_client_refresh(client, tokens, -1, &fresh, NULL));
    CHECK_STATUS(CIBA_OK, ciba_client_userinfo(client, tokens, -1, &answer, NULL));
    CHECK_STATUS(CIBA_PENDING, ciba_client_revoke(client, fresh, "refresh_token", 0, NULL));
    CHECK_STATUS(CIBA_OK, ciba_client_revoke(client, fresh, "refresh_token", -1, NULL));
    CHECK_NUMBER(before + 1, requests(REFRESH));
    ciba_answer_free(answer);
    ciba_tokens_free(fresh);
    ciba_tokens_free(tokens);
  }
}

static void a_refresh_whose_answer_is_lost_says_so_and_is_not_repeated(void) {
  ciba_tokens *tokens = signed_in(), *fresh = STALE;
  ciba_error *err = NULL;
  int before = requests(REFRESH);
  fault("refresh", "\"cut_before_headers\"");
  CHECK_STATUS(CIBA_REFRESH_UNKNOWN, ciba_client_refresh(client, tokens, -1, &fresh, &err));
  CHECK(fresh == NULL && err && ciba_error_message(err) != NULL);
  CHECK(!strstr(ciba_error_message(err), ciba_tokens_get(tokens, "refresh_token", NULL)));
  CHECK_NUMBER(before + 1, requests(REFRESH));
  ciba_error_free(err);
  ciba_tokens_free(tokens);
}

static void tokens_that_were_kept_are_refreshed_and_only_for_the_same_person(void) {
  ciba_tokens *tokens = signed_in(), *kept = STALE, *fresh = STALE;
  const char *refresh_token = ciba_tokens_get(tokens, "refresh_token", NULL);
  const char *id_token = ciba_tokens_get(tokens, "id_token", NULL);
  ciba_answer *answer = STALE;
  CHECK_STATUS(CIBA_INVALID_VALUE, ciba_client_restore_tokens(client, refresh_token, "a.b.c", &kept, NULL));
  CHECK(kept == NULL);
  CHECK_STATUS(CIBA_OK, ciba_client_restore_tokens(client, refresh_token, id_token, &kept, NULL));
  CHECK(same(ciba_tokens_get(kept, "refresh_token", NULL), refresh_token));
  CHECK(!ciba_tokens_get(kept, "access_token", NULL) && !ciba_tokens_claims(kept, NULL));
  CHECK_STATUS(CIBA_NOT_PRESENT, ciba_client_userinfo(client, kept, -1, &answer, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_refresh(client, kept, -1, &fresh, NULL));
  tell("POST /id_token", "{\"claims\": {\"sub\": \"bob\"}}");
  ciba_tokens_free(kept);
  kept = NULL;
  CHECK_STATUS(CIBA_TOKEN_SUBJECT, ciba_client_refresh(client, fresh, -1, &kept, NULL));
  CHECK(kept == NULL);
  ciba_tokens_free(fresh);
  ciba_tokens_free(tokens);
}

static void userinfo_is_about_the_same_person_by_name(void) {
  ciba_tokens *tokens = signed_in();
  ciba_answer *answer = NULL;
  size_t length = 7;
  CHECK_STATUS(CIBA_OK, ciba_client_userinfo(client, tokens, -1, &answer, NULL));
  CHECK(same(ciba_answer_get(answer, "sub", &length), "alice") && length == 5);
  CHECK(ciba_answer_get(answer, "sub", NULL) == ciba_answer_get(answer, "sub", NULL)); /* it stays where it is */
  CHECK(!ciba_answer_get(answer, "nonsense", &length) && length == 0);
  CHECK(strstr(ciba_answer_json(answer, &length), "\"alice\"") && length == strlen(ciba_answer_json(answer, NULL)));
  ciba_answer_free(answer);

  answer = STALE;
  fault("userinfo", "{\"patch\": {\"sub\": \"bob\"}}");
  CHECK_STATUS(CIBA_USERINFO_SUBJECT, ciba_client_userinfo(client, tokens, -1, &answer, NULL));
  CHECK(answer == NULL);
  ciba_tokens_free(tokens);
}

static int is_active(ciba_tokens *tokens, const char *token) {
  ciba_answer *answer = NULL;
  int active;
  CHECK_STATUS(CIBA_OK, ciba_client_introspect(client, tokens, token, -1, &answer, NULL));
  CHECK(ciba_answer_get(answer, "active", NULL) != NULL);
  active = same(ciba_answer_get(answer, "active", NULL), "true");
  ciba_answer_free(answer);
  return active;
}

static void a_token_is_active_until_it_is_revoked(void) {
  ciba_tokens *tokens = signed_in(), *fresh = STALE;
  ciba_error *err = NULL;
  CHECK(is_active(tokens, "access_token") && is_active(tokens, "refresh_token"));
  fault("revocation", "{\"answer\": {\"status\": 503, \"headers\": [[\"retry-after\", \"7\"]]}}");
  CHECK_STATUS(CIBA_HTTP_STATUS, ciba_client_revoke(client, tokens, "refresh_token", -1, &err));
  CHECK_NUMBER(7000, ciba_error_retry_after_ms(err));
  ciba_error_free(err);
  CHECK(is_active(tokens, "refresh_token"));
  CHECK_STATUS(CIBA_OK, ciba_client_revoke(client, tokens, "refresh_token", -1, NULL));
  CHECK(!is_active(tokens, "access_token") && !is_active(tokens, "refresh_token"));
  CHECK_STATUS(CIBA_OK, ciba_client_revoke(client, tokens, "refresh_token", -1, NULL)); /* it is gone already */
  CHECK_STATUS(CIBA_INVALID_GRANT, ciba_client_refresh(client, tokens, -1, &fresh, NULL));
  CHECK_STATUS(CIBA_INVALID_VALUE, ciba_client_revoke(client, tokens, "id_token", -1, NULL));
  ciba_tokens_free(tokens);
}

static void what_is_freed_meanwhile_harms_nobody(void) {
  ciba_client *own = generic_client();
  ciba_tokens *tokens = signed_in(), *fresh = STALE;
  ciba_answer *answer = STALE;
  int before = requests(REFRESH), asked = requests("GET /userinfo");
  fault("refresh", "{\"hold\": 50}");
  fault("userinfo", "{\"hold\": 50}");
  CHECK_STATUS(CIBA_PENDING, ciba_client_refresh(own, tokens, 0, &fresh, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_client_userinfo(own, tokens, 0, &answer, NULL));
  ciba_client_free(own);
  ciba_tokens_free(tokens);
  wait_for_requests(REFRESH, before + 1);
  wait_for_requests("GET /userinfo", asked + 1);
  sleep_ms(200); /* the answers come, and nobody wants them */
}

static const struct test tests[] = {
    {"a refresh brings fresh tokens of the same person, once", a_refresh_brings_fresh_tokens_of_the_same_person},
    {"threads that refresh the same tokens send one request", threads_that_refresh_the_same_tokens_send_one_request},
    {"a call whose time is up loses nothing", a_call_whose_time_is_up_loses_nothing},
    {"a refresh whose answer is lost says so and is not repeated", a_refresh_whose_answer_is_lost_says_so_and_is_not_repeated},
    {"tokens that were kept are refreshed, and only for the same person", tokens_that_were_kept_are_refreshed_and_only_for_the_same_person},
    {"userinfo is about the same person, by name", userinfo_is_about_the_same_person_by_name},
    {"a token is active until it is revoked", a_token_is_active_until_it_is_revoked},
    {"what is freed meanwhile harms nobody", what_is_freed_meanwhile_harms_nobody},
};

int main(void) {
  int failed;
  client = generic_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
