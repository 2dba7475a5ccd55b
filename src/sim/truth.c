/* SPDX-License-Identifier: MIT */
/* Writes the tables of sites x cells. The values are computed again, for one block of sites at a time, so
 * that no more than a block is ever held. */
#include "base/number.h"
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Values (sites x cells) that are computed at once: 12 MB, few enough for any machine and enough to keep all
 * threads busy. */
enum { BLOCK_VALUES = 1 << 22 };

/* Bytes of text per row besides the chromosome's name: at most 32 for the position, and "\t0.123" per cell.
 */
enum { POSITION_TEXT = 32, VALUE_TEXT = 6 };

typedef struct tables {
    const dcpg_sim *sim;
    dcpg_bgzip probs, states;
    int64_t block;      /* sites of a block */
    uint16_t *permille; /* [block][nb_cell] */
    uint8_t *state;     /* [block][nb_cell] */
    char *line;         /* a row as text */
    size_t line_capacity;
} tables;

/* Computes the values of all cells at sites [first, end) of a chromosome. */
static void fill_block(tables *t, int part, int64_t first, int64_t end) {
    int64_t nb_cell = t->sim->options->nb_cell;
#pragma omp parallel for schedule(static)
    for (int64_t cell = 0; cell < nb_cell; cell++) {
        dcpg_sim_track track = dcpg_sim_track_new(t->sim, part, cell);
        for (int64_t i = first; i < end; i++) {
            dcpg_sim_truth truth = dcpg_sim_at(&track, i, 1);
            t->permille[(i - first) * nb_cell + cell] = (uint16_t)lrint(1000 * truth.p_call);
            t->state[(i - first) * nb_cell + cell] = truth.state;
        }
    }
}

static void write_row(tables *t, const char *chromo, int64_t site, int64_t row) {
    int64_t nb_cell = t->sim->options->nb_cell;
    const uint16_t *permille = t->permille + row * nb_cell;
    const uint8_t *state = t->state + row * nb_cell;
    int head = snprintf(t->line, t->line_capacity, "%s\t%" PRId32, chromo, t->sim->sites.pos[site]);
    char *p = t->line + head;
    for (int64_t i = 0; i < nb_cell; i++) {
        int n = permille[i];
        memcpy(p,
               (char[]){'\t', (char)('0' + n / 1000), '.', (char)('0' + n / 100 % 10),
                        (char)('0' + n / 10 % 10), (char)('0' + n % 10)},
               VALUE_TEXT);
        p += VALUE_TEXT;
    }
    *p++ = '\n';
    dcpg_sim_write(&t->probs, t->line, (size_t)(p - t->line));
    p = t->line + head;
    for (int64_t i = 0; i < nb_cell; i++) {
        *p++ = '\t';
        *p++ = (char)('0' + state[i]);
    }
    *p++ = '\n';
    dcpg_sim_write(&t->states, t->line, (size_t)(p - t->line));
}

static void write_header(const dcpg_sim *sim, dcpg_bgzip *file) {
    dcpg_sim_print(file, "#chromo\tpos");
    for (int64_t i = 0; i < sim->options->nb_cell; i++) {
        char name[DCPG_SIM_NAME];
        dcpg_sim_cell_name(sim, i, name);
        dcpg_sim_print(file, "\t%s", name);
    }
    dcpg_sim_print(file, "\n");
}

static dcpg_status start_tables(tables *t, dcpg_err *err) {
    size_t nb_cell = (size_t)t->sim->options->nb_cell, longest = 0;
    for (int p = 0; p < t->sim->nb_part; p++) {
        size_t length = strlen(t->sim->part[p].chromo);
        if (length > longest) longest = length;
    }
    t->block = BLOCK_VALUES / (int64_t)nb_cell + 1;
    t->line_capacity = longest + POSITION_TEXT + VALUE_TEXT * nb_cell;
    t->permille = dcpg_alloc((size_t)t->block * nb_cell, sizeof *t->permille);
    t->state = dcpg_alloc((size_t)t->block * nb_cell, 1);
    t->line = dcpg_alloc(t->line_capacity, 1);
    if (!t->permille || !t->state || !t->line)
        return dcpg_fail_nomem(err, "a block of sites",
                               (size_t)t->block * nb_cell * (sizeof *t->permille + sizeof *t->state));
    DCPG_TRY(dcpg_sim_open(t->sim->folder, "truth/probs.tsv.gz", &t->probs, err));
    return dcpg_sim_open(t->sim->folder, "truth/states.tsv.gz", &t->states, err);
}

static void write_tables(tables *t, dcpg_log *log) {
    const dcpg_sim *sim = t->sim;
    write_header(sim, &t->probs);
    write_header(sim, &t->states);
    for (int p = 0; p < sim->nb_part && !t->probs.error && !t->states.error; p++) {
        const dcpg_sim_part *part = &sim->part[p];
        for (int64_t first = part->first; first < part->end; first += t->block) {
            int64_t end = min_i64(first + t->block, part->end);
            fill_block(t, p, first, end);
            for (int64_t i = first; i < end; i++) write_row(t, part->chromo, i, i - first);
            dcpg_progress(log, end == sim->sites.n, "truth of %" PRId64 " of %" PRId64 " sites", end,
                          sim->sites.n);
        }
    }
}

dcpg_status dcpg_sim_write_cell_truth(const dcpg_sim *sim, dcpg_log *log, dcpg_err *err) {
    tables t = {.sim = sim};
    dcpg_status status = start_tables(&t, err);
    if (status == DCPG_OK) write_tables(&t, log);
    dcpg_status closed = dcpg_sim_close(&t.probs, err);
    if (status == DCPG_OK) status = closed;
    closed = dcpg_sim_close(&t.states, err);
    if (status == DCPG_OK) status = closed;
    dcpg_free(t.permille);
    dcpg_free(t.state);
    dcpg_free(t.line);
    return status;
}
