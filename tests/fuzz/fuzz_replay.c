/* SPDX-License-Identifier: MIT */
/* Runs a harness without libFuzzer: its seeds, mutations of them that are the same every time, and files
 * named. */
#include "fuzz.h"

enum { MUTATIONS = 3000, MOST_BYTES = 4096 };

/* A linear congruential generator: the same numbers everywhere. */
static uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % below);
}

static size_t insert(uint8_t *to, size_t n, size_t at, const char *word) {
    size_t length = strlen(word);
    if (n + length > MOST_BYTES) return n;
    memmove(to + at + length, to + at, n - at);
    memcpy(to + at, word, length);
    return n + length;
}

/* One change: a bit, a byte, a piece left out or written twice, or a word that parsers stumble over. */
static size_t mutate(uint8_t *to, size_t n, uint64_t *state) {
    static const char *const words[] = {"\t",          "\n", "\r\n", "-1",  "0", "1e5", "nan",
                                        "99999999999", "\"", "[",    "{",   "}", "]",   ",",
                                        ":",           "\\", "+",    "{9}", "#", ">",   "\xff"};
    if (n == 0) return insert(to, n, 0, "x");
    size_t at = draw(state, (uint32_t)n), length = 1 + draw(state, 16);
    if (length > n - at) length = n - at;
    switch (draw(state, 5)) {
    case 0:
        to[at] ^= (uint8_t)(1 << draw(state, 8));
        return n;
    case 1:
        to[at] = (uint8_t)draw(state, 256);
        return n;
    case 2:
        memmove(to + at, to + at + length, n - at - length);
        return n - length;
    case 3:
        if (n + length > MOST_BYTES) return n;
        memmove(to + at + length, to + at, n - at);
        return n + length;
    default:
        return insert(to, n, at, words[draw(state, sizeof words / sizeof *words)]);
    }
}

static void run_seeds(void) {
    uint64_t state = 1;
    size_t nb = 0;
    while (fuzz_seeds[nb]) nb++;
    for (size_t i = 0; i < nb; i++)
        LLVMFuzzerTestOneInput((const uint8_t *)fuzz_seeds[i], strlen(fuzz_seeds[i]));
    for (int i = 0; i < MUTATIONS; i++) {
        uint8_t bytes[MOST_BYTES];
        const char *seed = fuzz_seeds[draw(&state, (uint32_t)nb)];
        size_t n = strlen(seed);
        FUZZ_REQUIRE(n <= MOST_BYTES);
        memcpy(bytes, seed, n);
        for (uint32_t changes = 1 + draw(&state, 6); changes > 0; changes--) n = mutate(bytes, n, &state);
        LLVMFuzzerTestOneInput(bytes, n);
    }
    printf("%zu seeds and %d mutations\n", nb, (int)MUTATIONS);
}

static void run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    FUZZ_REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc((size_t)size + 1);
    FUZZ_REQUIRE(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
}

int main(int argc, char **argv) {
    if (argc == 1) run_seeds();
    for (int i = 1; i < argc; i++) run_file(argv[i]);
    return 0;
}
