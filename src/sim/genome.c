/* SPDX-License-Identifier: MIT */
/* Writes the genome and its description: FASTA, sites, motifs, annotations. */
#include "sim/sim.h"
#include <dcpg/genome.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

/* The islands that are annotated are found from the sites, not copied from the drawing, so that real genomes
 * have them too. The least length is that of the classical definition (Gardiner-Garden and Frommer 1987). */
enum {
    ISLAND_DENSITY = 24, /* CpGs within DCPG_SIM_DENSITY_RANGE bp that make a site one of an island: density
                            alone makes methylation less likely than not there (sim_model.c) */
    ISLAND_GAP = 200,    /* most bp between neighbouring sites of an island */
    ISLAND_LENGTH = 200  /* least bp of an island */
};

enum { LINE = 60 }; /* bases per line of FASTA, as in Ensembl's files */

/* The files that cover all chromosomes, and the genome so far. */
typedef struct writer {
    dcpg_sim *sim;
    dcpg_log *log;
    dcpg_bgzip islands, repeats, motif_sites, sites;
    dcpg_strings names;
} writer;

static dcpg_status write_fasta(const writer *w, const dcpg_sim_chromo *chromo, dcpg_err *err) {
    static const char letters[] = "ATGCN";
    dcpg_bgzip file;
    char *name = dcpg_format("dna/Simus.SIM1.dna.chromosome.%s.fa.gz", chromo->name);
    if (!name) return dcpg_fail_nomem(err, "a file name", strlen(chromo->name));
    dcpg_status status = dcpg_sim_open(w->sim->folder, name, &file, err);
    dcpg_free(name);
    DCPG_TRY(status);
    dcpg_sim_print(&file, ">%s dna:chromosome chromosome:SIM1:%s:1:%" PRId64 ":1 REF\n", chromo->name,
                   chromo->name, chromo->length);
    for (int64_t at = 0; at < chromo->length; at += LINE) {
        char line[LINE + 1];
        int n = chromo->length - at < LINE ? (int)(chromo->length - at) : LINE;
        for (int i = 0; i < n; i++) line[i] = letters[chromo->base[at + i]];
        line[n] = '\n';
        dcpg_sim_write(&file, line, (size_t)n + 1);
    }
    return dcpg_sim_close(&file, err);
}

static dcpg_status reserve_sites(dcpg_sim_sites *sites, dcpg_err *err) {
    if (sites->n < sites->capacity) return DCPG_OK;
    size_t n = (size_t)sites->n, capacity = n ? 2 * n : 65536;
    int32_t *pos = dcpg_realloc(sites->pos, n, capacity, sizeof *pos);
    if (pos) sites->pos = pos;
    uint8_t *density = dcpg_realloc(sites->density, n, capacity, sizeof *density);
    if (density) sites->density = density;
    uint16_t *motifs = dcpg_realloc(sites->motifs, n, capacity, sizeof *motifs);
    if (motifs) sites->motifs = motifs;
    if (!pos || !density || !motifs) return dcpg_fail_nomem(err, "sites", capacity * 7);
    sites->capacity = (int64_t)capacity;
    return DCPG_OK;
}

/* Appends the chromosome's sites and their densities. */
static dcpg_status find_sites(dcpg_sim *sim, const dcpg_sim_chromo *chromo, dcpg_sim_part *part,
                              dcpg_err *err) {
    dcpg_sim_sites *sites = &sim->sites;
    part->first = sites->n;
    for (int64_t i = 0; i < chromo->length; i++) {
        sim->nb_base[chromo->base[i]]++;
        if (i + 1 == chromo->length || chromo->base[i] != DCPG_SIM_C || chromo->base[i + 1] != DCPG_SIM_G)
            continue;
        DCPG_TRY(reserve_sites(sites, err));
        sites->pos[sites->n] = (int32_t)(i + 1);
        sites->motifs[sites->n++] = 0;
    }
    part->end = sites->n;
    int64_t left = part->first, right = part->first;
    for (int64_t i = part->first; i < part->end; i++) {
        while (sites->pos[left] < sites->pos[i] - DCPG_SIM_DENSITY_RANGE) left++;
        while (right < part->end && sites->pos[right] <= sites->pos[i] + DCPG_SIM_DENSITY_RANGE) right++;
        sites->density[i] = (uint8_t)(right - left);
    }
    return DCPG_OK;
}

/* State while the sites near each motif found are marked. */
typedef struct marking {
    writer *w;
    const dcpg_sim_chromo *chromo;
    const dcpg_sim_part *part;
    int64_t first; /* sites before this one are too far left of all further motifs */
} marking;

static void mark_motif(void *context, int m, int strand, int64_t start) {
    marking *k = context;
    dcpg_sim *sim = k->w->sim;
    dcpg_sim_motif *motif = &sim->motif[m];
    bool planted = k->chromo->planted && k->chromo->planted[start] == 1 + m;
    motif->nb_match++;
    motif->nb_planted += planted;
    dcpg_sim_print(&k->w->motif_sites, "%s\t%" PRId64 "\t%c\t%s\t%d\n", k->chromo->name, start + 1,
                   "+-"[strand], motif -> name, planted);
    int64_t centre = start + 1 + motif->length / 2;
    const int32_t *pos = sim->sites.pos;
    while (k->first < k->part->end && pos[k->first] < centre - DCPG_SIM_MOTIF_RANGE) k->first++;
    for (int64_t i = k->first; i < k->part->end && pos[i] <= centre + DCPG_SIM_MOTIF_RANGE; i++) {
        motif->nb_site += !(sim->sites.motifs[i] >> m & 1);
        sim->sites.motifs[i] |= (uint16_t)(1u << m);
    }
}

/* Finds stretches of dense sites, each at most ISLAND_GAP bp from the next, that are at least ISLAND_LENGTH
 * bp long. */
static dcpg_status find_islands(const dcpg_sim *sim, const dcpg_sim_part *part, dcpg_sim_intervals *islands,
                                dcpg_err *err) {
    const int32_t *pos = sim->sites.pos;
    dcpg_sim_interval island = {-1, -1, NULL};
    for (int64_t i = part->first; i <= part->end; i++) {
        bool dense = i < part->end && sim->sites.density[i] >= ISLAND_DENSITY;
        if (i < part->end && !dense) continue;
        if (i < part->end && island.start >= 0 && pos[i] - 1 - island.end <= ISLAND_GAP) {
            island.end = pos[i] + 1;
            continue;
        }
        if (island.start >= 0 && island.end - island.start >= ISLAND_LENGTH)
            DCPG_TRY(dcpg_sim_add_interval(islands, island, err));
        if (dense) island = (dcpg_sim_interval){pos[i] - 1, pos[i] + 1, NULL};
    }
    return DCPG_OK;
}

static void print_intervals(dcpg_bgzip *file, const char *chromo, const dcpg_sim_intervals *list) {
    for (int64_t i = 0; i < list->n; i++) {
        const dcpg_sim_interval *v = &list->v[i];
        dcpg_sim_print(file, "%s\t%" PRId64 "\t%" PRId64 "%s%s\n", chromo, v->start, v->end,
                       v->name ? "\t" : "", v->name ? v->name : "");
    }
}

static void print_sites(writer *w, const dcpg_sim_part *part, const dcpg_sim_intervals *islands) {
    dcpg_sim *sim = w->sim;
    int64_t island = 0;
    for (int64_t i = part->first; i < part->end; i++) {
        int32_t pos = sim->sites.pos[i];
        while (island < islands->n && islands->v[island].end < pos) island++;
        bool inside = island < islands->n && islands->v[island].start < pos;
        char bits[DCPG_SIM_MAX_MOTIFS + 1] = "";
        for (int m = 0; m < sim->nb_motif; m++) bits[m] = sim->sites.motifs[i] >> m & 1 ? '1' : '0';
        sim->nb_dense += inside;
        sim->nb_near_motif += sim->sites.motifs[i] != 0;
        dcpg_sim_print(&w->sites, "%s\t%" PRId32 "\t%d\t%d\t%s", part->chromo, pos, sim->sites.density[i],
                       inside, bits);
        for (int64_t k = 0; k < sim->options->nb_cluster; k++)
            dcpg_sim_print(&w->sites, "\t%.3f", dcpg_sim_p_dna(sim, k, i));
        dcpg_sim_print(&w->sites, "\n");
    }
}

static dcpg_status add_part(dcpg_sim *sim, const dcpg_sim_chromo *chromo, dcpg_err *err) {
    if (sim->nb_part == sim->part_capacity) {
        int capacity = sim->part_capacity ? 2 * sim->part_capacity : 32;
        dcpg_sim_part *grown = dcpg_realloc(sim->part, (size_t)sim->nb_part, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "chromosomes", (size_t)capacity * sizeof *grown);
        sim->part = grown;
        sim->part_capacity = capacity;
    }
    dcpg_sim_part *part = &sim->part[sim->nb_part];
    *part = (dcpg_sim_part){.chromo = dcpg_strdup(chromo->name), .length = chromo->length};
    if (!part->chromo) return dcpg_fail_nomem(err, "a name", strlen(chromo->name));
    sim->nb_part++;
    return DCPG_OK;
}

static dcpg_status write_chromo(writer *w, const dcpg_sim_chromo *chromo, dcpg_err *err) {
    dcpg_sim *sim = w->sim;
    dcpg_sim_intervals islands = {0};
    DCPG_TRY(write_fasta(w, chromo, err));
    DCPG_TRY(add_part(sim, chromo, err));
    dcpg_sim_part *part = &sim->part[sim->nb_part - 1];
    DCPG_TRY(find_sites(sim, chromo, part, err));
    marking k = {.w = w, .chromo = chromo, .part = part, .first = part->first};
    DCPG_TRY(dcpg_sim_scan(chromo, sim->nb_motif, sim->motif, mark_motif, &k, err));
    dcpg_status status = find_islands(sim, part, &islands, err);
    if (status == DCPG_OK) {
        sim->nb_island += islands.n;
        print_intervals(&w->islands, chromo->name, &islands);
        print_intervals(&w->repeats, chromo->name, &chromo->repeats);
        print_sites(w, part, &islands);
        dcpg_info(w->log, "chromosome %s: %" PRId64 " bases, %" PRId64 " CpGs", chromo->name, chromo->length,
                  part->end - part->first);
    }
    dcpg_free(islands.v);
    return status;
}

static dcpg_status draw_genome(writer *w, dcpg_err *err) {
    const dcpg_simulate_options *o = w->sim->options;
    for (int64_t c = 0; c < o->nb_chromo; c++) {
        char name[24];
        snprintf(name, sizeof name, "%" PRId64, c + 1);
        dcpg_sim_chromo chromo = {.name = name};
        dcpg_parse_int(o->chromo_len->v[o->chromo_len->n == 1 ? 0 : c], &chromo.length); /* was checked */
        DCPG_TRY(dcpg_sim_draw_chromo(o->seed, w->sim->nb_motif, w->sim->motif, &chromo, err));
        dcpg_status status = write_chromo(w, &chromo, err);
        dcpg_sim_free_chromo(&chromo);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* Takes a sequence of a real genome. */
static dcpg_status take_sequence(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    writer *w = context;
    if (strchr(sequence->chromo, '/'))
        return dcpg_fail(err, DCPG_E_INPUT, "sequence %s: no file can be called so: rename it without '/'",
                         sequence->chromo);
    if (dcpg_strings_find(&w->names, sequence->chromo) >= 0)
        return dcpg_fail(err, DCPG_E_INPUT, "sequence %s stands in two of the FASTA files: keep one",
                         sequence->chromo);
    if (sequence->length > INT32_MAX - 1)
        return dcpg_fail(err, DCPG_E_INPUT, "sequence %s has more than 2147483646 bases: cut it",
                         sequence->chromo);
    DCPG_TRY(dcpg_strings_add(&w->names, sequence->chromo, err));
    dcpg_sim_chromo chromo = {.name = sequence->chromo,
                              .length = sequence->length,
                              .base = dcpg_alloc((size_t)sequence->length, 1)};
    if (!chromo.base) return dcpg_fail_nomem(err, "a chromosome", (size_t)sequence->length);
    for (int64_t i = 0; i < sequence->length; i++)
        chromo.base[i] = sequence->packed[i / 4] >> 2 * (i % 4) & 3;
    for (int64_t r = 0; r < sequence->nb_run; r++)
        memset(chromo.base + sequence->run[r].start, DCPG_SIM_N,
               (size_t)(sequence->run[r].end - sequence->run[r].start));
    dcpg_status status = write_chromo(w, &chromo, err);
    dcpg_sim_free_chromo(&chromo);
    return status;
}

static dcpg_status read_genome(writer *w, dcpg_err *err) {
    dcpg_strings files = {0};
    dcpg_status status = dcpg_fasta_list(w->sim->options->dna_files, &files, NULL, err);
    for (size_t i = 0; i < files.n && status == DCPG_OK; i++)
        status = dcpg_fasta_read(files.v[i], take_sequence, w, err);
    dcpg_strings_free(&files);
    return status;
}

static dcpg_status open_files(writer *w, dcpg_err *err) {
    const char *folder = w->sim->folder;
    DCPG_TRY(dcpg_sim_open(folder, "anno/islands.bed.gz", &w->islands, err));
    DCPG_TRY(dcpg_sim_open(folder, "anno/repeats.bed.gz", &w->repeats, err));
    DCPG_TRY(dcpg_sim_open(folder, "truth/motif_sites.tsv.gz", &w->motif_sites, err));
    DCPG_TRY(dcpg_sim_open(folder, "truth/sites.tsv.gz", &w->sites, err));
    dcpg_sim_print(&w->sites, "#chromo\tpos\tcpg_501bp\tisland\tmotif_bits(");
    for (int m = 0; m < w->sim->nb_motif; m++)
        dcpg_sim_print(&w->sites, "%s%s", m ? "," : "", w->sim->motif[m].name);
    dcpg_sim_print(&w->sites, ")");
    for (int64_t k = 0; k < w->sim->options->nb_cluster; k++)
        dcpg_sim_print(&w->sites, "\tp_dna_cl%" PRId64, k);
    dcpg_sim_print(&w->sites, "\n");
    return DCPG_OK;
}

dcpg_status dcpg_sim_write_genome(dcpg_sim *sim, dcpg_log *log, dcpg_err *err) {
    writer w = {.sim = sim, .log = log};
    dcpg_status status = open_files(&w, err);
    if (status == DCPG_OK) status = sim->options->dna_files->n ? read_genome(&w, err) : draw_genome(&w, err);
    if (status == DCPG_OK && sim->sites.n == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "the genome holds no CG: give a longer one");
    dcpg_bgzip *const files[] = {&w.islands, &w.repeats, &w.motif_sites, &w.sites};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        dcpg_status closed = dcpg_sim_close(files[i], err);
        if (status == DCPG_OK) status = closed;
    }
    dcpg_strings_free(&w.names);
    return status;
}
