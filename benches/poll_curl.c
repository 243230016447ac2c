/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The same exchange by libcurl's easy interface: one handle, used again and again. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "measure.h"
#include "poll.h"

static CURL *curl;
static char answer[4096];
static size_t answer_length;

static size_t receive(char *bytes, size_t size, size_t count, void *unused) {
    (void)unused;
    size_t length = size * count;
    if (length >= sizeof answer - answer_length) return 0;
    memcpy(answer + answer_length, bytes, length);
    answer_length += length;
    return length;
}

void poll_start(void) {
    struct curl_slist *headers = NULL;
    char authorization[1024];
    snprintf(authorization, sizeof authorization, "Authorization: %s", needed("POLL_AUTHORIZATION"));
    headers = curl_slist_append(headers, authorization);
    headers = curl_slist_append(headers, "Accept: application/json");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    if (!curl || !headers) fail("libcurl cannot be used");
    curl_easy_setopt(curl, CURLOPT_URL, needed("POLL_URL"));
    curl_easy_setopt(curl, CURLOPT_CAINFO, needed("CIBA_SIM_CA_FILE"));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, needed("POLL_USER_AGENT"));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, needed("POLL_BODY"));
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
}

void poll_once(void) {
    long status = 0;
    answer_length = 0;
    CURLcode code = curl_easy_perform(curl);
    if (code) fail("libcurl: %s", curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer[answer_length] = 0;
    if (status != 400 || !strstr(answer, "\"authorization_pending\"")) fail("libcurl: HTTP %ld: %s", status, answer);
}
