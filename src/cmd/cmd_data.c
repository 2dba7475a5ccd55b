/* SPDX-License-Identifier: MIT */
/* `dcpg data`: makes a store from methylation profiles and the genome, or DeepCpG data files. */
#include "cmd/cmd.h"
#include "cmd/convert.h"
#include "cmd/job.h"
#include "cmd/options_data.h"

#include <dcpg/cleanup.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/store_make.h>
#include <dcpg/temporary.h>
#include <string.h>

/* Points the options of the store to the lists of the settings. */
static void take_lists(data_settings *s) {
    dcpg_store_options *o = &s->store;
    o->profiles = &s->profiles;
    o->dna_files = &s->dna_files;
    o->chromos = &s->chromos;
    o->bulk_profiles = &s->bulk_profiles;
    o->anno_files = &s->anno_files;
    o->cpg_stats = &s->cpg_stats;
    o->win_stats = &s->win_stats;
    o->win_stats_wlen = &s->win_stats_wlen;
}

static dcpg_status take_ties(const char *word, dcpg_store_options *o, dcpg_err *err) {
    o->ties_methylated = strcmp(word, "methylated") == 0;
    if (!o->ties_methylated && strcmp(word, "drop") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--ties %s: drop or methylated", word);
    if (!o->ties_methylated || o->call == DCPG_CALL_AUTO || o->call == DCPG_CALL_ROUND) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--ties methylated: --call strict drops ties, and --call fraction knows none; choose "
                     "--call round or auto");
}

/* Turns words of the command line into numbers and choices of the store's options. */
static dcpg_status take_words(data_settings *s, dcpg_err *err) {
    dcpg_store_options *o = &s->store;
    bool listed = strcmp(s->sites, "observed") != 0;
    if (listed && o->pos_file)
        return dcpg_fail(err, DCPG_E_USAGE, "--sites and --pos_file both choose the sites: leave one out");
    o->every_cg = strcmp(s->sites, "all") == 0;
    if (listed && !o->every_cg) o->pos_file = s->sites;
    o->stats_wlen = s->windows.cpg_wlen > 0 ? s->windows.cpg_wlen : DCPG_STATS_WLEN;
    o->bedgraph_base = (int)s->bedgraph_base;
    s->windows.seed = o->seed;
    DCPG_TRY(dcpg_call_named(s->call, &o->call, err));
    DCPG_TRY(take_ties(s->ties, o, err));
    if (s->max_memory && !dcpg_parse_size(s->max_memory, &o->max_memory))
        return dcpg_fail(err, DCPG_E_USAGE, "--max_memory %s: a size such as 8G or 500M", s->max_memory);
    return DCPG_OK;
}

static dcpg_status check_outputs(const data_settings *s, dcpg_err *err) {
    const dcpg_store_options *o = &s->store;
    if (o->append && !o->out_file)
        return dcpg_fail(err, DCPG_E_USAGE, "--append: name the store with --out_file");
    if (!o->out_file && !s->windows.out_dir)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "choose what to write: a store with --out_file, or DeepCpG data files with --out_dir");
    DCPG_TRY(dcpg_cmd_check_windows(&s->windows, err));
    if (!o->out_file) return DCPG_OK;
    DCPG_TRY(dcpg_check_output(o->out_file, &s->profiles, err));
    return dcpg_check_output(o->out_file, &s->dna_files, err);
}

static dcpg_status parse(data_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_data_syntax, s, NULL, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    take_lists(s);
    DCPG_TRY(take_words(s, err));
    return check_outputs(s, err);
}

/* Writes DeepCpG data files from the store just made. Collective. */
static dcpg_status write_files_all(const data_settings *s, const dcpg_par *par, dcpg_log *log,
                                   dcpg_err *err) {
    const dcpg_strings everywhere = {0};
    dcpg_strings files = {0};
    dcpg_cmd_named data = {0};
    dcpg_status status = dcpg_agree_all(par, dcpg_strings_add(&files, s->store.out_file, err), err);
    if (status == DCPG_OK) status = dcpg_cmd_named_open_all(&files, par, &data, err);
    if (status == DCPG_OK) status = dcpg_cmd_write_files_all(&s->windows, &data, &everywhere, log, err);
    dcpg_cmd_named_close(&data);
    dcpg_strings_free(&files);
    return status;
}

/* Chooses a name, the same on all ranks, for a temporary store in a folder of its own below `out_dir`; makes
 * both directories. The caller frees `*folder` and `*name`. Collective. */
static dcpg_status name_store_all(const char *out_dir, const dcpg_par *par, char **folder, char **name,
                                  dcpg_err *err) {
    char *target = dcpg_format("%s/store", out_dir);
    dcpg_status status = target ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (status == DCPG_OK && par->rank == 0) status = dcpg_make_dirs(out_dir, err);
    if (status == DCPG_OK && par->rank == 0) status = dcpg_temporary_folder(target, folder, err);
    dcpg_free(target);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    int64_t bytes = *folder ? (int64_t)strlen(*folder) + 1 : 0;
    dcpg_bcast_all(par, &bytes, sizeof bytes, 0);
    if (!*folder) *folder = dcpg_alloc((size_t)bytes, 1);
    DCPG_TRY(dcpg_agree_all(par, *folder ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64), err));
    dcpg_bcast_all(par, *folder, (size_t)bytes, 0);
    *name = dcpg_format("%s/store.h5", *folder);
    status = *name ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (*name && par->rank == 0) status = dcpg_cleanup_add(*name, -1, err);
    return dcpg_agree_all(par, status, err);
}

static dcpg_status write_all(data_settings *s, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    char *folder = NULL, *passing = NULL;
    dcpg_status status =
        s->store.out_file ? DCPG_OK : name_store_all(s->windows.out_dir, par, &folder, &passing, err);
    if (passing) s->store.out_file = passing;
    if (status == DCPG_OK) status = dcpg_store_make_all(&s->store, par, log, err);
    if (status == DCPG_OK && s->windows.out_dir) status = write_files_all(s, par, log, err);
    if (par->rank == 0)
        dcpg_temporary_remove(folder);
    else
        dcpg_free(folder);
    if (passing) dcpg_cleanup_forget(passing);
    dcpg_free(passing);
    return status;
}

static dcpg_status make_all(data_settings *s, int argc, char **argv, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    char *command = NULL;
    DCPG_TRY(dcpg_cmd_words_all(argc, argv, par, &command, err));
    s->store.command = command;
    dcpg_status status = write_all(s, par, log, err);
    dcpg_free(command);
    return status;
}

int dcpg_cmd_data(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    data_settings s = {.windows = {.dna_wlen = -1}};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.store.out_file, .option = "--out_file", .kind = DCPG_CMD_STORE},
                       {.path = s.windows.out_dir, .option = "--out_dir", .kind = DCPG_CMD_FOLDER}},
            .input = {&s.profiles, &s.dna_files, &s.bulk_profiles, &s.anno_files},
            .common = s.common,
            .call = call};
        /* The file to append to must be a store, which is checked when it is read. */
        job.common.force = s.common.force || s.store.append;
        s.windows.force = s.common.force;
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = make_all(&s, argc, argv, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings *lists[] = {&s.profiles,   &s.dna_files, &s.chromos,   &s.bulk_profiles,
                             &s.anno_files, &s.cpg_stats, &s.win_stats, &s.win_stats_wlen};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
