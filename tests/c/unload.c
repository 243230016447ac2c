/* A program that loads the library with dlopen(), like an interpreter or a plug-in host. Not linked with it.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ciba.h>

static int failed;

static void check(int holds, const char *what) {
  if (!holds) {
    failed = 1;
    fprintf(stderr, "does not hold: %s\n", what);
  }
}

/* The functions of the library, found by name. */
struct library {
  void *handle;
  __typeof__(ciba_config_new) *config_new;
  __typeof__(ciba_config_set) *config_set;
  __typeof__(ciba_config_free) *config_free;
  __typeof__(ciba_client_new) *client_new;
  __typeof__(ciba_client_check) *client_check;
  __typeof__(ciba_client_free) *client_free;
  __typeof__(ciba_version_number) *version_number;
};

static void load(struct library *library) {
  library->handle = dlopen("libciba.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library->handle) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  /* The way that POSIX has for a pointer to a function. */
  *(void **)&library->config_new = dlsym(library->handle, "ciba_config_new");
  *(void **)&library->config_set = dlsym(library->handle, "ciba_config_set");
  *(void **)&library->config_free = dlsym(library->handle, "ciba_config_free");
  *(void **)&library->client_new = dlsym(library->handle, "ciba_client_new");
  *(void **)&library->client_check = dlsym(library->handle, "ciba_client_check");
  *(void **)&library->client_free = dlsym(library->handle, "ciba_client_free");
  *(void **)&library->version_number = dlsym(library->handle, "ciba_version_number");
}

static ciba_client *new_client(const struct library *library) {
  ciba_config *config = library->config_new();
  ciba_client *client = NULL;
  library->config_set(config, "provider", "signaturgruppen-test", NULL);
  library->config_set(config, "ca_mode", "replace", NULL);
  library->config_set(config, "issuer", getenv("CIBA_SIM_ISSUER"), NULL);
  library->config_set(config, "client_id", getenv("CIBA_SIM_CLIENT_ID"), NULL);
  library->config_set(config, "client_secret", getenv("CIBA_SIM_CLIENT_SECRET"), NULL);
  library->config_set(config, "ca_file", getenv("CIBA_SIM_CA_FILE"), NULL);
  library->client_new(config, &client, NULL);
  library->config_free(config);
  return client;
}

int main(void) {
  struct library first, second;
  struct timespec moment = {0, 200000000};
  ciba_client *client;

  load(&first);
  check(first.version_number() == CIBA_VERSION_NUMBER, "the version is the header's");
  client = new_client(&first);
  check(first.client_check(client, -1, NULL) == CIBA_OK, "the provider is reached; the engine's thread runs");
  check(dlclose(first.handle) == 0, "it can be closed");
  check(dlopen("libciba.so.1", RTLD_NOW | RTLD_NOLOAD) != NULL, "it is there all the same");
  nanosleep(&moment, NULL); /* the thread goes on: it would crash in code that is gone */

  load(&second);
  check(second.version_number == first.version_number, "it is the same one");
  check(second.client_check(client, -1, NULL) == CIBA_OK, "a client of before works");
  second.client_free(client);
  client = new_client(&second);
  check(second.client_check(client, -1, NULL) == CIBA_OK, "a new client works");
  second.client_free(client);
  dlclose(second.handle);

  printf("%s the library stays where it is after dlclose()\n", failed ? "FAIL" : "ok");
  return failed;
}
