/* SPDX-License-Identifier: MIT */
/* What the harnesses share. A harness is one parser: seeds, and fuzz_one, which parses any bytes and aborts
 * where a promise of the parser's header is broken. With clang and -DDCPG_FUZZ=ON libFuzzer calls it;
 * otherwise fuzz_replay.c does, with the seeds and a fixed number of mutations of them. */
#ifndef DCPG_TESTS_FUZZ_H
#define DCPG_TESTS_FUZZ_H

#include <dcpg/memory.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Texts to start from; NULL after the last. */
extern const char *const fuzz_seeds[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(condition)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A failure has one line of text, and lack of memory is none of an input of some kilobytes. */
static inline void fuzz_check_error(dcpg_status status, const dcpg_err *err) {
    if (status == DCPG_OK) return;
    FUZZ_REQUIRE(err->status != DCPG_OK && err->text[0] != '\0');
    FUZZ_REQUIRE(strchr(err->text, '\n') == NULL);
    FUZZ_REQUIRE(status != DCPG_E_NOMEM);
}

/* The bytes as a text of its own, so that reading past its end is seen; free(). */
static inline char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* The bytes as a file of this folder; its name, which stays the caller's until it is removed by fuzz_remove.
 */
static inline const char *fuzz_file(const uint8_t *data, size_t size, char name[64]) {
    snprintf(name, 64, "/tmp/dcpg_fuzz_%ld", (long)getpid());
    FILE *file = fopen(name, "wb");
    FUZZ_REQUIRE(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    return name;
}

#endif
