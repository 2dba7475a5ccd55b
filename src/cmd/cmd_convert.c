/* SPDX-License-Identifier: MIT */
/* `dcpg convert`: writes DeepCpG data files from a store or from other such files, or a store from them. */
#include "cmd/cmd.h"
#include "cmd/convert.h"
#include "cmd/job.h"
#include "cmd/options_convert.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/store_make.h>

static dcpg_status parse(convert_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_cmd_windows *w = &s->windows;
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_convert_syntax, s, &s->files, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    DCPG_TRY(dcpg_cmd_need_data(table, &s->files, err));
    if (!w->out_dir == !s->out_file)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "choose what to write: --out_dir DIR for DeepCpG data files, or --out_file FILE for a store");
    if (s->dna_files.n > 0 && w->out_dir)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--dna_files is for --out_file: windows of DNA are cut from the store or from the files given");
    if (s->out_file) DCPG_TRY(dcpg_check_output(s->out_file, &s->files, err));
    if (s->out_file) DCPG_TRY(dcpg_check_output(s->out_file, &s->dna_files, err));
    return dcpg_cmd_check_windows(w, err);
}

static dcpg_status make_store_all(const convert_settings *s, const dcpg_cmd_named *data,
                                  const dcpg_cmd_call *call, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err) {
    if (data->store)
        return dcpg_fail(err, DCPG_E_USAGE, "%s is a store already: --out_file is for DeepCpG data files",
                         data->name);
    char *command = NULL;
    DCPG_TRY(dcpg_cmd_words_all(call->argc, call->argv, par, &command, err));
    dcpg_store_options options = {.dna_files = &s->dna_files,
                                  .out_file = s->out_file,
                                  .cpg_cov = 1,
                                  .chromos = &s->chromos,
                                  .bedgraph_base = -1,
                                  .cpg_stats_cov = s->cpg_stats_cov,
                                  .stats_wlen = DCPG_STATS_WLEN,
                                  .command = command};
    dcpg_status status = dcpg_store_from_deepcpg_all(data->set, &options, log, err);
    dcpg_free(command);
    return status;
}

static dcpg_status convert_all(const convert_settings *s, const dcpg_cmd_call *call, const dcpg_par *par,
                               dcpg_log *log, dcpg_err *err) {
    dcpg_cmd_named data = {0};
    dcpg_status status = dcpg_cmd_named_open_all(&s->files, par, &data, err);
    if (status == DCPG_OK)
        status = s->out_file ? make_store_all(s, &data, call, par, log, err)
                             : dcpg_cmd_write_files_all(&s->windows, &data, &s->chromos, log, err);
    dcpg_cmd_named_close(&data);
    return status;
}

int dcpg_cmd_convert(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    convert_settings s = {.windows = {.dna_wlen = -1, .cpg_wlen = -1}};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.out_file, .option = "--out_file", .kind = DCPG_CMD_STORE},
                       {.path = s.windows.out_dir, .option = "--out_dir", .kind = DCPG_CMD_FOLDER}},
            .input = {&s.files, &s.dna_files},
            .common = s.common,
            .call = call};
        s.windows.force = s.common.force;
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = convert_all(&s, &call, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.files);
    dcpg_strings_free(&s.chromos);
    dcpg_strings_free(&s.dna_files);
    dcpg_strings_free(&s.windows.replicates);
    dcpg_strings_free(&s.windows.outputs);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
