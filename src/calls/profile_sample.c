/* SPDX-License-Identifier: MIT */
/* Reads the first lines of a profile, which are kept until its columns are known; describes the columns for
 * the log. */
#include "base/number.h"
#include "calls/profile_scan.h"
#include <dcpg/memory.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE_LINES = 1000, SAMPLE_BYTES = 1 << 18 };

static dcpg_status make_space(sample *s, size_t length, dcpg_err *err) {
    size_t need = s->length + length + 1;
    char *text = dcpg_realloc(s->text, s->length, max_size(need, SAMPLE_BYTES), 1);
    if (!text) return dcpg_fail_nomem(err, "a profile", need);
    s->text = text;
    if (s->start) return DCPG_OK;
    s->start = dcpg_alloc(SAMPLE_LINES, sizeof *s->start);
    s->line = dcpg_alloc(SAMPLE_LINES, sizeof *s->line);
    return s->start && s->line ? DCPG_OK : dcpg_fail_nomem(err, "a profile", SAMPLE_LINES * 16);
}

dcpg_status dcpg_profile_read_sample(profile_parser *p, sample *s, dcpg_err *err) {
    char *line;
    while (s->n < SAMPLE_LINES && s->length < SAMPLE_BYTES) {
        DCPG_TRY(dcpg_text_line(p->text, &line, err));
        if (!line) {
            s->whole = true;
            return DCPG_OK;
        }
        size_t length = strlen(line);
        if (!s->text || s->length + length + 1 > SAMPLE_BYTES) DCPG_TRY(make_space(s, length, err));
        memcpy(s->text + s->length, line, length + 1);
        s->start[s->n] = s->length;
        s->line[s->n++] = dcpg_text_line_number(p->text);
        s->length += length + 1;
    }
    return DCPG_OK;
}

void dcpg_profile_free_sample(sample *s) {
    dcpg_free(s->text);
    dcpg_free(s->start);
    dcpg_free(s->line);
    *s = (sample){0};
}

void dcpg_profile_report_columns(profile_parser *p) {
    bool table = p->format == &dcpg_profile_table || p->format == &dcpg_profile_table_shares;
    char *text = p->report->columns;
    size_t size = sizeof p->report->columns;
    if (table)
        dcpg_profile_describe(&p->layout, text, size);
    else
        snprintf(text, size, "%s", p->format->columns);
}
