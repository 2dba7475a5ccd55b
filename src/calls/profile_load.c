/* SPDX-License-Identifier: MIT */
/* Loads a profile from one file, or from several files of one cell. */
#include "calls/profile_parse.h"
#include <dcpg/memory.h>
#include <string.h>

static void end_parser(profile_parser *p) {
    dcpg_profile_free_drafts(p);
    dcpg_text_close(p->text);
    p->text = NULL;
}

/* Reads one file into drafts, and moves its calls to their C. */
static dcpg_status load_drafts(profile_parser *p, const char *path, const dcpg_profile_options *options,
                               dcpg_profile_report *report, dcpg_err *err) {
    *report = (dcpg_profile_report){0};
    *p = (profile_parser){.options = options, .path = path, .last = -1, .report = report};
    dcpg_status status = dcpg_profile_read_calls(p, err);
    report->empty = status == DCPG_OK && p->nb_line == 0;
    if (status == DCPG_OK && !report->empty) status = dcpg_profile_settle(p, report, err);
    if (p->text) report->odd = dcpg_text_odd(p->text);
    return status;
}

/* Refuses files of different kinds for one cell, since how values are called depends on the format. */
static dcpg_status check_alike(const profile_parser *a, const profile_parser *b, dcpg_err *err) {
    if (a->format->counts && b->format->counts) return DCPG_OK;
    if (a->format->counts != b->format->counts)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s and %s: are of one cell, but one holds numbers of reads, the other values "
                         "without: give files of one kind",
                         a->path, b->path);
    if (a->format == b->format) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s and %s: are of one cell, but one is %s and the other %s, and values of two formats "
                     "are not merged: give files of one kind",
                     a->path, b->path, a->format->name, b->format->name);
}

/* Adds the calls of path[i] to those of `all`, whose format is NULL until a file with lines was added. */
static dcpg_status join_file(profile_parser *all, const char *const *path, int64_t i,
                             const dcpg_profile_options *options, dcpg_profile_report *report,
                             dcpg_err *err) {
    profile_parser p;
    dcpg_status status = load_drafts(&p, path[i], options, report, err);
    if (status == DCPG_OK && !report->empty && all->format) status = check_alike(all, &p, err);
    if (status == DCPG_OK && !report->empty) {
        all->format = p.format;
        all->shift = p.shift;
        status = dcpg_profile_join(all, &p, (uint32_t)i, err);
    }
    end_parser(&p);
    return status;
}

static dcpg_status load_joined(const char *const *path, int64_t n, const dcpg_profile_options *options,
                               dcpg_profile *profile, dcpg_profile_report *report, dcpg_err *err) {
    profile_parser all = {.options = options, .path = path[0], .last = -1, .joined = path};
    dcpg_status status = DCPG_OK;
    for (int64_t i = 0; i < n && status == DCPG_OK; i++)
        status = join_file(&all, path, i, options, &report[i], err);
    if (status == DCPG_OK && all.format) status = dcpg_profile_finish(&all, profile, &report[0], err);
    end_parser(&all);
    return status;
}

dcpg_status dcpg_profile_load_files(const char *const *path, int64_t n, const dcpg_profile_options *options,
                                    dcpg_profile *profile, dcpg_profile_report *report, dcpg_err *err) {
    *profile = (dcpg_profile){.cell = dcpg_cell_name(path[0]), .binary = true};
    if (!profile->cell) return dcpg_fail_nomem(err, "a profile", strlen(path[0]));
    dcpg_status status;
    if (n > 1) {
        status = load_joined(path, n, options, profile, report, err);
    } else {
        profile_parser p;
        status = load_drafts(&p, path[0], options, report, err);
        if (status == DCPG_OK && !report->empty) status = dcpg_profile_finish(&p, profile, report, err);
        end_parser(&p);
    }
    if (status != DCPG_OK) dcpg_profile_free(profile);
    return status;
}

dcpg_status dcpg_profile_load(const char *path, const dcpg_profile_options *options, dcpg_profile *profile,
                              dcpg_profile_report *report, dcpg_err *err) {
    dcpg_profile_report unread;
    return dcpg_profile_load_files(&path, 1, options, profile, report ? report : &unread, err);
}

dcpg_status dcpg_profile_read(const char *path, dcpg_profile *profile, dcpg_err *err) {
    return dcpg_profile_load(path, &(dcpg_profile_options){.bedgraph_base = 1}, profile, NULL, err);
}
