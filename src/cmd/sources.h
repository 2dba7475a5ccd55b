/* SPDX-License-Identifier: MIT */
/* The data that a user names: one store, or DeepCpG data files; told by their content. */
#ifndef DCPG_CMD_SOURCES_H
#define DCPG_CMD_SOURCES_H

#include <dcpg/deepcpg.h>
#include <dcpg/source.h>
#include <dcpg/store.h>

typedef struct dcpg_cmd_named {
    dcpg_store *store; /* one of the two, the other is NULL */
    dcpg_deepcpg *set;
    const dcpg_strings *files;           /* as given to dcpg_cmd_named_open_all */
    const char *name;                    /* of the store or the first file */
    const dcpg_strings *cells, *outputs; /* that there are */
    int64_t dna_wlen, cpg_wlen;          /* of a model for which nobody chooses others */
} dcpg_cmd_named;

/* `data` starts as {0}. Collective. */
dcpg_status dcpg_cmd_named_open_all(const dcpg_strings *files, const dcpg_par *par, dcpg_cmd_named *data,
                                    dcpg_err *err);
void dcpg_cmd_named_close(dcpg_cmd_named *data);

/* Names of the chromosomes that there are. */
const dcpg_strings *dcpg_cmd_chromos(const dcpg_cmd_named *data);

/* Adds chromosomes as the data name them, by the rule of dcpg/chromo.h; one that they lack keeps its name.
 * DCPG_E_INPUT where a name is unclear. Local. */
dcpg_status dcpg_cmd_name_chromos(const dcpg_cmd_named *data, const dcpg_strings *words, dcpg_strings *names,
                                  dcpg_err *err);

/* Its sites on `chromos` (empty: all). `data` must outlive the source, which tells `log` how much it holds in
 * memory. Collective. */
dcpg_status dcpg_cmd_source_all(const dcpg_cmd_named *data, const dcpg_strings *chromos,
                                const dcpg_want *want, dcpg_log *log, dcpg_source **source, dcpg_err *err);

/* The chromosomes of the samples of `source`, which was made of `data`, in their order; dcpg_free. The names
 * are the source's. Local. */
dcpg_status dcpg_cmd_stretches(const dcpg_cmd_named *data, const dcpg_source *source,
                               dcpg_deepcpg_stretch **stretch, int64_t *nb, dcpg_err *err);

#endif
