/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One way to make a token request again and again on a connection that is kept alive. */
#ifndef POLL_H
#define POLL_H

/* Gets ready. */
void poll_start(void);

/* Makes one token request and reads the answer, which must be "authorization_pending". */
void poll_once(void);

#endif
