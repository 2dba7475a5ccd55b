/* SPDX-License-Identifier: MIT */
/* Motifs that switch methylation: their words, and where they occur in a chromosome. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <string.h>

/* Length of the prefixes by which the table finds motifs; no motif is shorter. */
enum { PREFIX = 7 };

/* The words hold no CG on either strand, so that planting them makes no sites. Effects are logits: one motif
 * takes a site from open_logit of sim_model.c below a half, or an island's site above it. */
static const struct {
    const char *name, *word;
    double effect;
} shared[] = {{"off1", "GATAAMTTCCA", -6}, {"off2", "TTGCARATCTA", -4.5}, {"on1", "CCTGWAGGAAC", 6}};
static const char *const cluster_words[DCPG_SIM_CLUSTER_MOTIFS] = {
    "AGTTYACTGAA", "TCAWGGTTATC", "ATTGRCAAGTA", "GTAKTTCAACA",
    "CATTMAGATTG", "TGTASTAACCT", "AACTYTGGTAT", "GGATWCATTAA"};
static const double cluster_effect = -6;
_Static_assert(sizeof shared / sizeof *shared == DCPG_SIM_SHARED_MOTIFS, "as many motifs as words");

/* On a real genome, motifs are not planted but found. Words of 11 letters would be rare there: two letters
 * fewer at each end make them about as frequent as planted ones. */
enum { REAL_SKIP = 2 };

/* Bases that an IUPAC letter stands for: bit 0 A, 1 T, 2 G, 3 C. */
static uint8_t bases_of(char letter) {
    static const char letters[] = "ATGCWRKMSY";
    static const uint8_t bases[] = {1, 2, 4, 8, 3, 5, 6, 9, 12, 10};
    return bases[strchr(letters, letter) - letters];
}

static char complement(char letter) {
    static const char letters[] = "ATGCWRKMSY", complements[] = "TACGWYMKSR";
    return complements[strchr(letters, letter) - letters];
}

/* `skip` letters are left out at each end of the word. */
static dcpg_sim_motif make_motif(const char *name, const char *word, size_t skip, double effect) {
    dcpg_sim_motif motif = {.length = (int)(strlen(word) - 2 * skip), .effect = effect, .cluster = -1};
    snprintf(motif.name, sizeof motif.name, "%s", name);
    for (int i = 0; i < motif.length; i++) {
        char letter = word[skip + (size_t)i];
        int back = motif.length - 1 - i;
        motif.word[i] = letter;
        motif.reverse[back] = complement(letter);
        motif.letters[0][i] = bases_of(letter);
        motif.letters[1][back] = bases_of(complement(letter));
    }
    return motif;
}

int dcpg_sim_motifs(int64_t nb_cluster, bool real_genome, dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS]) {
    int n = 0;
    size_t skip = real_genome ? REAL_SKIP : 0;
    for (; n < DCPG_SIM_SHARED_MOTIFS; n++)
        motif[n] = make_motif(shared[n].name, shared[n].word, skip, shared[n].effect);
    for (int i = 0; i < n; i++) motif[i].in_islands = motif[i].effect > 0;
    for (int k = 0; k < DCPG_SIM_CLUSTER_MOTIFS && k < nb_cluster; k++, n++) {
        char name[16];
        snprintf(name, sizeof name, "off_cl%d", k);
        motif[n] = make_motif(name, cluster_words[k], skip, cluster_effect);
        motif[n].cluster = k;
    }
    return n;
}

bool dcpg_sim_motif_acts(const dcpg_sim_motif *motif, int64_t cluster) {
    return motif->cluster < 0 || cluster % DCPG_SIM_CLUSTER_MOTIFS == motif->cluster;
}

static bool stands_at(const dcpg_sim_motif *motif, int strand, const dcpg_sim_chromo *chromo, int64_t start) {
    if (start + motif->length > chromo->length) return false;
    for (int i = 0; i < motif->length; i++) {
        if (!(motif->letters[strand][i] >> chromo->base[start + i] & 1))
            return false; /* N, code 4, matches no letter */
    }
    return true;
}

/* For each word of PREFIX letters (the first one in the highest bits), sets the bits of the motifs that may
 * start with it: bit 2 * motif + strand. */
static void fill_prefixes(int nb_motif, const dcpg_sim_motif *motif, uint32_t *table) {
    for (uint32_t word = 0; word < 1u << 2 * PREFIX; word++) {
        for (int k = 0; k < 2 * nb_motif; k++) {
            bool fits = true;
            for (int i = 0; i < PREFIX && fits; i++)
                fits = motif[k / 2].letters[k % 2][i] >> (word >> 2 * (PREFIX - 1 - i) & 3) & 1;
            table[word] |= (uint32_t)fits << k;
        }
    }
}

dcpg_status dcpg_sim_scan(const dcpg_sim_chromo *chromo, int nb_motif, const dcpg_sim_motif *motif,
                          dcpg_sim_found_fn *found, void *context, dcpg_err *err) {
    uint32_t *table = dcpg_alloc((size_t)1 << 2 * PREFIX, sizeof *table);
    if (!table) return dcpg_fail_nomem(err, "words", ((size_t)1 << 2 * PREFIX) * sizeof *table);
    fill_prefixes(nb_motif, motif, table);
    uint32_t word = 0;
    int64_t known = 0; /* bases since the last N */
    for (int64_t i = 0; i < chromo->length; i++) {
        known = chromo->base[i] < DCPG_SIM_N ? known + 1 : 0;
        word = (word << 2 | (chromo->base[i] & 3)) & ((1u << 2 * PREFIX) - 1);
        if (known < PREFIX) continue;
        uint32_t candidates = table[word];
        for (int k = 0; candidates; k++, candidates >>= 1) {
            int64_t start = i + 1 - PREFIX;
            if (candidates & 1 && stands_at(&motif[k / 2], k % 2, chromo, start))
                found(context, k / 2, k % 2, start);
        }
    }
    dcpg_free(table);
    return DCPG_OK;
}
