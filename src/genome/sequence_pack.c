/* SPDX-License-Identifier: MIT */
/* Packs the bases of a chromosome that was not read from a FASTA file. */
#include "genome/sequence_pack.h"
#include <dcpg/memory.h>
#include <htslib/hts.h>

static void hash_bases(const uint8_t *code, int64_t length, char md5[33]) {
    unsigned char digest[16];
    char text[4096];
    hts_md5_context *context = hts_md5_init();
    for (int64_t at = 0; context && at < length;) {
        size_t n = 0;
        while (n < sizeof text && at < length)
            text[n++] = "ATGCN"[code[at] < DCPG_UNKNOWN_BASE ? code[at] : DCPG_UNKNOWN_BASE], at++;
        hts_md5_update(context, text, (unsigned long)n);
    }
    if (context) hts_md5_final(digest, context);
    if (context) hts_md5_hex(md5, digest);
    if (context) hts_md5_destroy(context);
}

dcpg_status dcpg_sequence_pack(const uint8_t *code, int64_t length, dcpg_sequence *s, dcpg_err *err) {
    int64_t nb_run = 0;
    for (int64_t i = 0; i < length; i++)
        nb_run += code[i] >= DCPG_UNKNOWN_BASE && (i == 0 || code[i - 1] < DCPG_UNKNOWN_BASE);
    s->length = length;
    s->packed = dcpg_alloc((size_t)length / 4 + 1, 1);
    s->run = dcpg_alloc((size_t)nb_run, sizeof *s->run);
    s->run_capacity = nb_run;
    if (!s->packed || !s->run) return dcpg_fail_nomem(err, "a chromosome", (unsigned long long)length / 4);
    for (int64_t i = 0; i < length; i++) {
        if (code[i] < DCPG_UNKNOWN_BASE)
            s->packed[i / 4] |= (uint8_t)(code[i] << 2 * (i % 4));
        else if (i == 0 || code[i - 1] < DCPG_UNKNOWN_BASE)
            s->run[s->nb_run++] = (dcpg_run_n){i, i + 1};
        else
            s->run[s->nb_run - 1].end++;
    }
    hash_bases(code, length, s->md5);
    return *s->md5 ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", sizeof s->md5);
}
