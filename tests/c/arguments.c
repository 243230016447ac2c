/* What a caller may get wrong: NULL, broken UTF-8, unknown names, absurd values. Nothing is sent that
 * should not be, and no text shows a secret.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider.h"

#define PLANTED "planted-secret-8Kq3"
/* A pointer that must not survive a call: outputs are set on entry. */
#define STALE ((void *)"stale")

static ciba_config *config;
static ciba_client *client;
static ciba_request *request;
static ciba_flow *flow; /* acknowledged, undecided */
static ciba_tokens *tokens;

static void count_call(void *userdata) {
  ++*(int *)userdata;
}

static void ignore_log(void *userdata, int32_t level, const char *event, const char *text, const char *correlation,
                       int64_t unix_ms) {
  (void)userdata, (void)level, (void)event, (void)text, (void)correlation, (void)unix_ms;
}

static int32_t ignore_input(void *userdata, const char *algorithm, const char *key_id, const uint8_t *input, size_t input_length,
                            uint8_t *signature, size_t room, size_t *signature_length) {
  (void)userdata, (void)algorithm, (void)key_id, (void)input, (void)input_length, (void)signature, (void)room;
  *signature_length = 0;
  return 1;
}

static int32_t ignore_progress(void *userdata, int32_t stage, int64_t expires_in_ms, int64_t next_poll_in_ms,
                                  int64_t polls) {
  (void)userdata, (void)stage, (void)expires_in_ms, (void)next_poll_in_ms, (void)polls;
  return 0;
  return 0;
}

/* A call that must fail: with its last argument `&err`, and the error it hands out. */
#define REFUSED(expected, call) \
  do { \
    ciba_error *err = STALE; \
    CHECK_STATUS(expected, call); \
    check_error(err, expected, #call, __LINE__); \
    ciba_error_free(err); \
  } while (0)

static void check_error(ciba_error *err, ciba_status expected, const char *call, int line) {
  const char *message;
  if (!check(err && err != STALE, "an error is handed out", call, line))
    return;
  check_status(expected, ciba_error_status(err), call, __FILE__, line);
  message = ciba_error_message(err);
  check(message && *message && !strpbrk(message, "\r\n"), "the message is one line", call, line);
  check(message && !strstr(message, PLANTED), "the message shows no secret", call, line);
}

/* The same call without a place for an error, and then with one. */
#define MISSING(function, ...) \
  do { \
    CHECK_STATUS(CIBA_MISSING_ARGUMENT, function(__VA_ARGS__, NULL)); \
    REFUSED(CIBA_MISSING_ARGUMENT, function(__VA_ARGS__, &err)); \
  } while (0)

static void null_for_each_argument_of_config(void) {
  int released = 0;
  ciba_client *made = STALE;
  MISSING(ciba_config_set, NULL, "client_id", PLANTED);
  MISSING(ciba_config_set, config, NULL, PLANTED);
  MISSING(ciba_config_set, config, "client_id", NULL);
  MISSING(ciba_config_set_json, NULL, "{}");
  MISSING(ciba_config_set_json, config, NULL);
  MISSING(ciba_config_set_log, NULL, 3, ignore_log, &released, count_call);
  CHECK_NUMBER(2, released); /* where the call fails, at once */
  MISSING(ciba_config_set_log, config, 3, NULL, &released, count_call);
  CHECK_NUMBER(4, released);
  CHECK_STATUS(CIBA_OK, ciba_config_set_log(config, 3, ignore_log, NULL, NULL, NULL));
  MISSING(ciba_config_set_signer, NULL, ignore_input, &released, count_call);
  CHECK_NUMBER(6, released); /* likewise */
  MISSING(ciba_config_set_signer, config, NULL, &released, count_call);
  CHECK_NUMBER(8, released);
  MISSING(ciba_client_new, NULL, &made);
  CHECK(made == NULL);
  MISSING(ciba_client_new, config, NULL);
  MISSING(ciba_client_check, NULL, -1);
  CHECK_STATUS(CIBA_OK, ciba_client_check(client, -1, NULL));
}

static void null_for_each_argument_of_request_and_flow(void) {
  int released = 0;
  ciba_flow *begun = STALE;
  ciba_tokens *fetched = STALE;
  MISSING(ciba_request_set, NULL, "login_hint", PLANTED);
  MISSING(ciba_request_set, request, NULL, PLANTED);
  MISSING(ciba_request_set, request, "login_hint", NULL);
  MISSING(ciba_request_set_json, NULL, "{}");
  MISSING(ciba_request_set_json, request, NULL);
  MISSING(ciba_request_set_binding_code, NULL, client);
  MISSING(ciba_request_set_binding_code, request, NULL);
  MISSING(ciba_init, NULL, request, -1, &begun);
  CHECK(begun == NULL);
  begun = STALE;
  MISSING(ciba_init, client, NULL, -1, &begun);
  CHECK(begun == NULL);
  MISSING(ciba_init, client, request, -1, NULL);
  MISSING(ciba_poll, NULL, -1);
  MISSING(ciba_step, NULL, -1);
  MISSING(ciba_cancel, NULL, -1);
  MISSING(ciba_flow_tokens, NULL, &fetched);
  CHECK(fetched == NULL);
  MISSING(ciba_flow_tokens, flow, NULL);
  MISSING(ciba_flow_on_progress, NULL, ignore_progress, &released, count_call);
  CHECK_NUMBER(2, released);
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, NULL, &released, count_call, NULL));
  CHECK_NUMBER(3, released); /* nothing to call back: not needed at all */
  CHECK_NUMBER(2, requests("/connect/ciba")); /* both flows of main(), and no other */
}

static void null_for_each_argument_of_sets_and_saved_flows(void) {
  ciba_set *set = STALE;
  ciba_saved_flow *saved = STALE;
  ciba_flow *resumed = STALE;
  void *named = STALE;
  int32_t descriptor = 7;
  size_t length = 7;
  MISSING(ciba_set_new, NULL, &set);
  CHECK(set == NULL);
  MISSING(ciba_set_new, client, NULL);
  CHECK_STATUS(CIBA_OK, ciba_set_new(client, &set, NULL));
  MISSING(ciba_set_add, NULL, flow, NULL);
  MISSING(ciba_set_add, set, NULL, NULL);
  MISSING(ciba_set_remove, NULL, flow);
  MISSING(ciba_set_remove, set, NULL);
  MISSING(ciba_set_wait, NULL, -1, &named);
  CHECK(named == NULL);
  MISSING(ciba_set_wait, set, -1, NULL);
  MISSING(ciba_set_wake, NULL);
  MISSING(ciba_set_cancel, NULL);
  MISSING(ciba_set_descriptor, NULL, &descriptor);
  CHECK_NUMBER(-1, descriptor);
  MISSING(ciba_set_descriptor, set, NULL);
  CHECK_NUMBER(-1, ciba_set_count(NULL));
  CHECK_NUMBER(0, ciba_set_count(set));
  ciba_set_free(set);

  MISSING(ciba_flow_checkpoint, NULL, "row 7", &saved);
  CHECK(saved == NULL);
  MISSING(ciba_flow_checkpoint, flow, NULL, &saved);
  MISSING(ciba_flow_checkpoint, flow, "row 7", NULL);
  saved = STALE;
  MISSING(ciba_flow_hand_over, NULL, "row 7", -1, &saved);
  CHECK(saved == NULL);
  MISSING(ciba_flow_hand_over, flow, NULL, -1, &saved);
  MISSING(ciba_flow_hand_over, flow, "row 7", -1, NULL);
  REFUSED(CIBA_INVALID_UTF8, ciba_flow_checkpoint(flow, PLANTED "\xff", &saved, &err));
  REFUSED(CIBA_INVALID_UTF8, ciba_flow_hand_over(flow, PLANTED "\xff", -1, &saved, &err));
  REFUSED(CIBA_MISSING_SETTING, ciba_flow_checkpoint(flow, "row 7", &saved, &err)); /* no key to seal it with */
  CHECK(saved == NULL);
  CHECK_STATUS(CIBA_PENDING, ciba_flow_outcome(flow)); /* all of this changed nothing */
  MISSING(ciba_flow_resume, NULL, (const uint8_t *)"x", 1, "row 7", &resumed);
  CHECK(resumed == NULL);
  MISSING(ciba_flow_resume, client, NULL, 1, "row 7", &resumed);
  MISSING(ciba_flow_resume, client, (const uint8_t *)"x", 1, NULL, &resumed);
  MISSING(ciba_flow_resume, client, (const uint8_t *)"x", 1, "row 7", NULL);
  resumed = STALE;
  REFUSED(CIBA_SAVED_FLOW_MALFORMED, ciba_flow_resume(client, (const uint8_t *)PLANTED, sizeof PLANTED, "row 7", &resumed, &err));
  CHECK(resumed == NULL);
  CHECK_NUMBER(-1, ciba_flow_revision(NULL));
  CHECK_NUMBER(0, ciba_flow_revision(flow));
  CHECK(!ciba_saved_flow_bytes(NULL, &length) && length == 0);
  CHECK(!ciba_saved_flow_bytes(NULL, NULL));
  CHECK_NUMBER(-1, ciba_saved_flow_revision(NULL));
}

static void null_for_each_argument_of_notifications(void) {
  ciba_notification *made = STALE;
  const uint8_t *body = (const uint8_t *)"{}";
  ciba_error *err = NULL;
  size_t length = 7;
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_notification_deliver(NULL, "POST", NULL, NULL, body, 2, &made, &err));
  CHECK(made == NULL && err);
  ciba_error_free(err);
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_notification_deliver(client, NULL, NULL, NULL, body, 2, &made, NULL));
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_notification_deliver(client, "POST", NULL, NULL, NULL, 2, &made, NULL));
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_notification_deliver(client, "POST", NULL, NULL, body, 2, NULL, NULL));
  /* Headers and a body that are not there are the sender's fault. */
  CHECK_STATUS(CIBA_OK, ciba_notification_deliver(client, "POST", NULL, NULL, NULL, 0, &made, NULL));
  CHECK_STATUS(CIBA_NOTIFICATION_UNAUTHORIZED, ciba_notification_status(made));
  CHECK_NUMBER(401, ciba_notification_http_status(made));
  CHECK_NUMBER(0, ciba_notification_kind(made));
  CHECK(!ciba_notification_auth_req_id(made, &length) && length == 0);
  ciba_notification_free(made);
  CHECK_STATUS(CIBA_OK, ciba_notification_deliver(client, "P\xff", "Bearer \xff", "\xff", (const uint8_t *)"\xff", 1, &made, NULL));
  CHECK_STATUS(CIBA_NOTIFICATION_MALFORMED, ciba_notification_status(made));
  ciba_notification_free(made);
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_notification_status(NULL));
  CHECK_NUMBER(-1, ciba_notification_http_status(NULL));
  CHECK_NUMBER(-1, ciba_notification_kind(NULL));
  CHECK(!ciba_notification_auth_req_id(NULL, NULL));
}

static void null_for_each_argument_of_what_is_done_with_tokens(void) {
  ciba_tokens *made = STALE;
  ciba_answer *answer = STALE;
  size_t length = 7;
  MISSING(ciba_client_restore_tokens, NULL, PLANTED, PLANTED, &made);
  CHECK(made == NULL);
  MISSING(ciba_client_restore_tokens, client, NULL, PLANTED, &made);
  MISSING(ciba_client_restore_tokens, client, PLANTED, NULL, &made); /* the setting id_token_required */
  MISSING(ciba_client_restore_tokens, client, PLANTED, PLANTED, NULL);
  REFUSED(CIBA_INVALID_VALUE, ciba_client_restore_tokens(client, PLANTED, PLANTED, &made, &err));
  MISSING(ciba_client_refresh, NULL, tokens, -1, &made);
  MISSING(ciba_client_refresh, client, NULL, -1, &made);
  MISSING(ciba_client_refresh, client, tokens, -1, NULL);
  REFUSED(CIBA_NOT_PRESENT, ciba_client_refresh(client, tokens, -1, &made, &err)); /* there is no refresh token */
  MISSING(ciba_client_userinfo, NULL, tokens, -1, &answer);
  CHECK(answer == NULL);
  MISSING(ciba_client_userinfo, client, NULL, -1, &answer);
  MISSING(ciba_client_userinfo, client, tokens, -1, NULL);
  MISSING(ciba_client_introspect, NULL, tokens, "access_token", -1, &answer);
  MISSING(ciba_client_introspect, client, NULL, "access_token", -1, &answer);
  MISSING(ciba_client_introspect, client, tokens, NULL, -1, &answer);
  MISSING(ciba_client_introspect, client, tokens, "access_token", -1, NULL);
  REFUSED(CIBA_INVALID_VALUE, ciba_client_introspect(client, tokens, PLANTED, -1, &answer, &err));
  MISSING(ciba_client_revoke, NULL, tokens, "access_token", -1);
  MISSING(ciba_client_revoke, client, NULL, "access_token", -1);
  MISSING(ciba_client_revoke, client, tokens, NULL, -1);
  REFUSED(CIBA_INVALID_VALUE, ciba_client_revoke(client, tokens, PLANTED, -1, &err));
  /* This provider has no such endpoint. */
  REFUSED(CIBA_METADATA_ENDPOINT_MISSING, ciba_client_revoke(client, tokens, "access_token", -1, &err));

  CHECK(!ciba_answer_get(NULL, "sub", &length) && length == 0);
  CHECK(!ciba_answer_json(NULL, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_userinfo(client, tokens, -1, &answer, NULL));
  CHECK(!ciba_answer_get(answer, NULL, NULL) && !ciba_answer_get(answer, "\xff", NULL));
  CHECK(strcmp(ciba_answer_get(answer, "mitid.uuid", NULL), UUID) == 0);
  ciba_answer_free(answer);
}

static void null_for_accessors(void) {
  size_t length = 7;
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_flow_outcome(NULL));
  CHECK(!ciba_flow_auth_req_id(NULL, &length) && length == 0);
  CHECK(!ciba_flow_acknowledgement(NULL, NULL));
  CHECK(!ciba_flow_binding_message(NULL, &length) && !ciba_flow_authentication_uri(NULL, NULL));
  CHECK_NUMBER(-1, ciba_flow_expires_at(NULL));
  CHECK_NUMBER(-1, ciba_flow_next_poll_at(NULL));
  CHECK_NUMBER(-1, ciba_flow_interval_ms(NULL));
  CHECK(!ciba_flow_trouble(NULL));
  CHECK_NUMBER(-1, ciba_flow_progress(NULL, NULL, NULL, NULL));
  CHECK(!ciba_tokens_get(NULL, "access_token", NULL) && !ciba_tokens_get(tokens, NULL, NULL));
  CHECK(!ciba_tokens_claim(NULL, "sub", NULL) && !ciba_tokens_claim(tokens, NULL, NULL));
  CHECK(!ciba_tokens_claim_json(NULL, "sub", NULL) && !ciba_tokens_claim_json(tokens, NULL, NULL));
  CHECK(!ciba_tokens_claims(NULL, NULL) && !ciba_tokens_claim_name(NULL, 0, NULL));
  CHECK_NUMBER(-1, ciba_tokens_expires_at(NULL));
  CHECK_NUMBER(-1, ciba_error_status(NULL));
  CHECK(!ciba_error_message(NULL));
  CHECK(!ciba_error_oauth_error(NULL) && !ciba_error_oauth_error_description(NULL));
  CHECK_NUMBER(-1, ciba_error_http_status(NULL));
  CHECK_NUMBER(-1, ciba_error_retry_after_ms(NULL));
}

static void null_is_freed_without_harm(void) {
  ciba_config_free(NULL);
  ciba_client_free(NULL);
  ciba_request_free(NULL);
  ciba_flow_close(NULL);
  ciba_free(NULL);
  ciba_tokens_free(NULL);
  ciba_answer_free(NULL);
  ciba_set_free(NULL);
  ciba_saved_flow_free(NULL);
  ciba_notification_free(NULL);
  ciba_error_free(NULL);
}

static void an_undecided_flow_has_what_the_acknowledgement_says_and_no_tokens(void) {
  size_t length = 0;
  int64_t expires_in_ms = 0, next_poll_in_ms = 0, polls = -1;
  ciba_tokens *fetched = STALE;
  CHECK_STATUS(CIBA_PENDING, ciba_flow_outcome(flow));
  CHECK_NUMBER(2, ciba_flow_progress(flow, &expires_in_ms, &next_poll_in_ms, &polls));
  CHECK(expires_in_ms > next_poll_in_ms && next_poll_in_ms >= 0 && polls == 0);
  CHECK_NUMBER(2, ciba_flow_progress(flow, NULL, NULL, NULL));
  CHECK(ciba_flow_auth_req_id(flow, &length) && length == strlen(ciba_flow_auth_req_id(flow, NULL)));
  CHECK(ciba_flow_auth_req_id(flow, NULL) == ciba_flow_auth_req_id(flow, NULL)); /* it stays where it is */
  CHECK(strstr(ciba_flow_acknowledgement(flow, NULL), ciba_flow_auth_req_id(flow, NULL)));
  CHECK(!ciba_flow_binding_message(flow, &length) && length == 0 && !ciba_flow_authentication_uri(flow, NULL));
  CHECK(ciba_flow_expires_at(flow) > ciba_flow_next_poll_at(flow) && ciba_flow_next_poll_at(flow) > 0);
  CHECK_NUMBER(1000, ciba_flow_interval_ms(flow));
  CHECK(!ciba_flow_trouble(flow));
  REFUSED(CIBA_NO_TOKENS, ciba_flow_tokens(flow, &fetched, &err));
  CHECK(fetched == NULL);
}

static void an_approved_flow_has_tokens_by_name(void) {
  size_t length = 0, index;
  CHECK(ciba_tokens_get(tokens, "access_token", &length) && length > 0);
  CHECK(strcmp(ciba_tokens_get(tokens, "token_type", NULL), "Bearer") == 0);
  CHECK(strcmp(ciba_tokens_claim(tokens, "mitid.uuid", &length), UUID) == 0 && length == strlen(UUID));
  CHECK(strcmp(ciba_tokens_claim_json(tokens, "mitid.uuid", &length), "\"" UUID "\"") == 0);
  CHECK(*ciba_tokens_claims(tokens, NULL) == '{' && strstr(ciba_tokens_claims(tokens, NULL), UUID));
  CHECK(ciba_tokens_expires_at(tokens) > 0);
  for (index = 0; ciba_tokens_claim_name(tokens, index, NULL); index++)
    CHECK(ciba_tokens_claim(tokens, ciba_tokens_claim_name(tokens, index, NULL), NULL) != NULL);
  CHECK(index > 5 && !ciba_tokens_claim_name(tokens, SIZE_MAX, NULL));
  length = 7;
  CHECK(!ciba_tokens_claim(tokens, "mitid", &length) && length == 0); /* a dot is part of a name */
  CHECK(!ciba_tokens_get(tokens, "", NULL) && !ciba_tokens_claim_json(tokens, "nonsense", NULL));
}

static void broken_utf8_is_refused_and_changes_nothing(void) {
  static const char *const broken[] = {"\xff", "\xc3", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98"};
  char value[64], json[128];
  size_t i;
  for (i = 0; i < sizeof broken / sizeof *broken; i++) {
    sprintf(value, PLANTED "%s", broken[i]);
    sprintf(json, "{\"client_id\": \"%s\"}", value);
    REFUSED(CIBA_INVALID_UTF8, ciba_config_set(config, "client_id", value, &err));
    REFUSED(CIBA_INVALID_UTF8, ciba_config_set(config, value, "x", &err));
    REFUSED(CIBA_INVALID_UTF8, ciba_config_set_json(config, json, &err));
    REFUSED(CIBA_INVALID_UTF8, ciba_request_set(request, "binding_message", value, &err));
    REFUSED(CIBA_INVALID_UTF8, ciba_request_set(request, value, "x", &err));
    REFUSED(CIBA_INVALID_UTF8, ciba_request_set_json(request, json, &err));
    CHECK(!ciba_tokens_get(tokens, value, NULL) && !ciba_tokens_claim(tokens, value, NULL));
  }
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "binding_message", "Hej \xf0\x9f\x98\x89", NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "binding_message", "", NULL));
}

static void unknown_names_are_refused_and_the_nearest_is_named(void) {
  ciba_error *err = NULL;
  CHECK_STATUS(CIBA_UNKNOWN_NAME, ciba_config_set(config, "client_secert", PLANTED, &err));
  CHECK(strstr(ciba_error_message(err), "client_secret") && !strstr(ciba_error_message(err), PLANTED));
  ciba_error_free(err);
  CHECK_STATUS(CIBA_UNKNOWN_NAME, ciba_request_set(request, "loginhint", PLANTED, &err));
  CHECK(strstr(ciba_error_message(err), "login_hint") && !strstr(ciba_error_message(err), PLANTED));
  ciba_error_free(err);
  REFUSED(CIBA_UNKNOWN_NAME, ciba_config_set(config, "", PLANTED, &err));
  REFUSED(CIBA_UNKNOWN_NAME, ciba_config_set(config, "a\nb", PLANTED, &err));
  REFUSED(CIBA_UNKNOWN_NAME, ciba_config_set_json(config, "{\"nonsense\": \"" PLANTED "\"}", &err));
  REFUSED(CIBA_UNKNOWN_NAME, ciba_request_set_json(request, "{\"nonsense\": \"" PLANTED "\"}", &err));
}

static void absurd_values_are_refused_and_change_nothing(void) {
  static const char *const json[] = {"", "[]", "{", "null", "{\"client_id\": 1, \"client_id\": 2}", "{\"client_id\": null}"};
  size_t i, length = 1 << 20;
  char *deep = malloc(length + 1);
  for (i = 0; i < sizeof json / sizeof *json; i++)
    REFUSED(CIBA_INVALID_VALUE, ciba_config_set_json(config, json[i], &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set(config, "client_id", PLANTED "\n", &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set(config, "issuer", "ftp://" PLANTED, &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set(config, "connect_timeout_ms", "99999999999999999999", &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set_log(config, 0, ignore_log, NULL, NULL, &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set_log(config, INT32_MIN, ignore_log, NULL, NULL, &err));
  REFUSED(CIBA_INVALID_VALUE, ciba_request_set(request, "login_hint_token.ip", PLANTED, &err));
  memset(deep, '[', length);
  deep[length] = '\0';
  REFUSED(CIBA_INVALID_VALUE, ciba_config_set_json(config, deep, &err));
  free(deep);
}

/* Each has one thing wrong; the last is the good twin. */
static void a_request_that_breaks_a_rule_is_refused_and_nothing_is_sent(void) {
  static const char *const changes[][2] = {
      {"login_hint_token.uuid", ""},        {"login_hint_token.cpr", PLANTED},
      {"login_hint_token.ip", ""},          {"login_hint_token", PLANTED},
      {"login_hint", PLANTED},              {"id_token_hint", PLANTED},
      {"scope", "profile"},                 {"login_hint_token.referenceTextBody", ""},
  };
  size_t i;
  ciba_flow *begun;
  int before = requests("/connect/ciba");
  for (i = 0; i < sizeof changes / sizeof *changes; i++) {
    ciba_request *wrong = new_request("approve after 0 s");
    CHECK_STATUS(CIBA_OK, ciba_request_set(wrong, changes[i][0], changes[i][1], NULL));
    begun = STALE;
    REFUSED(CIBA_INVALID_AUTHENTICATION_REQUEST, ciba_init(client, wrong, -1, &begun, &err));
    CHECK(begun == NULL);
    ciba_request_free(wrong);
  }
  CHECK_NUMBER(before, requests("/connect/ciba"));
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &begun, NULL));
  CHECK_NUMBER(before + 1, requests("/connect/ciba"));
  ciba_free(begun);
}

static void settings_that_do_not_make_a_client_are_refused(void) {
  ciba_config *wrong = ciba_config_new();
  ciba_client *made = STALE;
  REFUSED(CIBA_MISSING_SETTING, ciba_client_new(wrong, &made, &err));
  CHECK(made == NULL);
  ciba_config_free(wrong);
  wrong = new_config();
  CHECK_STATUS(CIBA_OK, ciba_config_set(wrong, "ca_file", "/nonexistent/" PLANTED, NULL));
  REFUSED(CIBA_FILE, ciba_client_new(wrong, &made, &err));
  CHECK_STATUS(CIBA_OK, ciba_config_set(wrong, "ca_file", "", NULL));
  REFUSED(CIBA_CONFLICTING_SETTINGS, ciba_client_new(wrong, &made, &err));
  CHECK_STATUS(CIBA_OK, ciba_config_set(wrong, "ca_mode", "", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(wrong, "provider", "nobody", NULL));
  REFUSED(CIBA_INVALID_VALUE, ciba_client_new(wrong, &made, &err));
  ciba_config_free(wrong);
}

static void the_versions_of_header_and_library_are_equal(void) {
  char version[32];
  CHECK_NUMBER(CIBA_VERSION_NUMBER, ciba_version_number());
  CHECK_NUMBER(CIBA_VERSION_NUMBER, CIBA_VERSION_MAJOR * 10000 + CIBA_VERSION_MINOR * 100 + CIBA_VERSION_PATCH);
  CHECK(strcmp(CIBA_VERSION, ciba_version()) == 0);
  sprintf(version, "%d.%d.%d", CIBA_VERSION_MAJOR, CIBA_VERSION_MINOR, CIBA_VERSION_PATCH);
  CHECK(strncmp(version, ciba_version(), strlen(version)) == 0);
}

static void every_status_has_a_name_and_a_text(void) {
  static const ciba_status none[] = {INT32_MIN, -1, 2, 9, 99, 999, INT32_MAX};
  size_t i;
  CHECK(strcmp(ciba_status_name(CIBA_OK), "CIBA_OK") == 0);
  CHECK(strcmp(ciba_status_name(CIBA_DENIED), "CIBA_DENIED") == 0);
  CHECK(strcmp(ciba_status_text(CIBA_DENIED), "the person denied") == 0);
  CHECK(strcmp(ciba_status_name(CIBA_RESOURCES), "CIBA_RESOURCES") == 0);
  for (i = 0; i < sizeof none / sizeof *none; i++) {
    CHECK(strcmp(ciba_status_name(none[i]), "?") == 0);
    CHECK(strcmp(ciba_status_text(none[i]), "unknown status") == 0);
  }
}

static void the_search_for_the_planted_secret_finds_it(void) {
  ciba_error *err = NULL;
  /* A name, unlike a value, is shown. */
  CHECK_STATUS(CIBA_UNKNOWN_NAME, ciba_config_set(config, PLANTED, "x", &err));
  CHECK(strstr(ciba_error_message(err), PLANTED));
  ciba_error_free(err);
}

static const struct test tests[] = {
    {"NULL for each argument of the settings and the client is refused", null_for_each_argument_of_config},
    {"NULL for each argument of the request and the flow is refused", null_for_each_argument_of_request_and_flow},
    {"NULL for each argument of sets and saved flows is refused", null_for_each_argument_of_sets_and_saved_flows},
    {"NULL for each argument of notifications is refused", null_for_each_argument_of_notifications},
    {"NULL for each argument of what is done with tokens is refused", null_for_each_argument_of_what_is_done_with_tokens},
    {"NULL for an accessor gives NULL or -1", null_for_accessors},
    {"NULL is freed without harm", null_is_freed_without_harm},
    {"an undecided flow has what the acknowledgement says, and no tokens", an_undecided_flow_has_what_the_acknowledgement_says_and_no_tokens},
    {"an approved flow has tokens and claims by their literal names", an_approved_flow_has_tokens_by_name},
    {"broken UTF-8 is refused and changes nothing", broken_utf8_is_refused_and_changes_nothing},
    {"unknown names are refused and the nearest is named", unknown_names_are_refused_and_the_nearest_is_named},
    {"absurd values are refused and change nothing", absurd_values_are_refused_and_change_nothing},
    {"a request that breaks a rule is refused and nothing is sent", a_request_that_breaks_a_rule_is_refused_and_nothing_is_sent},
    {"settings that do not make a client are refused", settings_that_do_not_make_a_client_are_refused},
    {"the versions of header and library are equal", the_versions_of_header_and_library_are_equal},
    {"every status has a name and a text", every_status_has_a_name_and_a_text},
    {"the search for the planted secret finds one that is shown", the_search_for_the_planted_secret_finds_it},
};

int main(void) {
  ciba_flow *approved;
  int failed;
  config = new_config();
  client = new_client();
  request = new_request("wait");
  flow = new_flow(client, "wait");
  approved = new_flow(client, "approve after 0 s");
  CHECK_STATUS(CIBA_OK, ciba_poll(approved, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_tokens(approved, &tokens, NULL));
  ciba_free(approved);
  failed = RUN(tests);
  ciba_tokens_free(tokens);
  ciba_free(flow);
  ciba_request_free(request);
  ciba_client_free(client);
  ciba_config_free(config);
  return failed;
}
