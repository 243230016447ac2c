/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The same exchange on a bare TLS socket (OpenSSL): the floor. Bytes out, bytes in, nothing more than
 * finding the end of the answer. */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"
#include "poll.h"

static SSL *tls;
static char request[8192];
static int request_length;

static int connected(const char *host, const char *port) {
    struct addrinfo hints, *found, *address;
    int one = 1;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &found)) fail("%s cannot be resolved", host);
    for (address = found; address; address = address->ai_next) {
        int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (fd >= 0 && !connect(fd, address->ai_addr, address->ai_addrlen)) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            freeaddrinfo(found);
            return fd;
        }
        if (fd >= 0) close(fd);
    }
    fail("%s:%s cannot be reached", host, port);
    return -1;
}

void poll_start(void) {
    char host[256], port[8], path[512];
    const char *body = needed("POLL_BODY");
    if (sscanf(needed("POLL_URL"), "https://%255[^:]:%7[0-9]%511s", host, port, path) != 3) fail("POLL_URL is odd");
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_load_verify_locations(context, needed("CIBA_SIM_CA_FILE"), NULL) != 1) {
        fail("OpenSSL cannot be used");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    tls = SSL_new(context);
    if (!tls || SSL_set1_host(tls, host) != 1 || SSL_set_tlsext_host_name(tls, host) != 1) fail("OpenSSL: host");
    SSL_set_fd(tls, connected(host, port));
    if (SSL_connect(tls) != 1) fail("OpenSSL: no TLS with %s", host);
    request_length = snprintf(
        request, sizeof request,
        "POST %s HTTP/1.1\r\naccept: application/json\r\nauthorization: %s\r\n"
        "content-type: application/x-www-form-urlencoded\r\nuser-agent: %s\r\nhost: %s:%s\r\n"
        "content-length: %zu\r\n\r\n%s",
        path, needed("POLL_AUTHORIZATION"), needed("POLL_USER_AGENT"), host, port, strlen(body), body);
    if (request_length >= (int)sizeof request) fail("the request is too long");
}

void poll_once(void) {
    char answer[4096], *body, *length;
    int have = 0;
    if (SSL_write(tls, request, request_length) != request_length) fail("OpenSSL: nothing was written");
    for (;;) {
        int got = SSL_read(tls, answer + have, (int)sizeof answer - 1 - have);
        if (got <= 0) fail("OpenSSL: the answer is cut");
        have += got;
        answer[have] = 0;
        if (!(body = strstr(answer, "\r\n\r\n"))) continue;
        if (!(length = strstr(answer, "content-length: "))) fail("the answer has no length");
        if (have >= body + 4 - answer + atoi(length + 16)) break;
    }
    if (strncmp(answer, "HTTP/1.1 400", 12) || !strstr(body, "\"authorization_pending\"")) fail("raw: %s", answer);
}
