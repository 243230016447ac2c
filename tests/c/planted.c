/* Not a test but the proof that Valgrind finds what it is for: tests/c/run expects it to.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ciba.h>

int main(int argc, char **argv) {
  const char *fault = argc > 1 ? argv[1] : "";
  ciba_error *err = NULL;
  ciba_config *config = ciba_config_new();
  ciba_config_set(config, "nonsense", "", &err);
  if (strcmp(fault, "use after free") == 0) {
    const char *message = ciba_error_message(err);
    ciba_error_free(err);
    err = NULL;
    if (*message) /* decides by memory that is gone */
      putchar('\n');
  }
  ciba_error_free(strcmp(fault, "leaked error") == 0 ? NULL : err);
  ciba_config_free(strcmp(fault, "leaked settings") == 0 ? NULL : config);
  err = NULL;
  config = NULL;
  return 0;
}
