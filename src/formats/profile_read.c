/* Reading a profile line by line: comments and names of columns, which format it is, and reading again where
 * the first lines misled. */
#include "formats/profile_scan.h"
#include <ctype.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

dcpg_status dcpg_profile_fail_field(const profile_parser *p, dcpg_err *err, const char *what,
                                    const char *field, const char *remedy) {
    if (!p->text) return dcpg_fail(err, DCPG_E_INPUT, "%s: %s \"%.40s\" %s", p->path, what, field, remedy);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 ": %s \"%.40s\" %s", p->path,
                     dcpg_text_line_number(p->text), what, field, remedy);
}

dcpg_status dcpg_profile_scale(profile_parser *p, double raw, const char *text, float *value, dcpg_err *err) {
    *value = (float)(p->percent ? raw / 100 : raw) + 0.0f; /* no -0 */
    if (raw >= 0 && raw <= 1) {
        p->within_1 += raw > 0;
        return DCPG_OK;
    }
    if (!(raw >= 0 && raw <= 100)) {
        return dcpg_profile_fail_field(p, err, "value", text,
                                       p->percent ? "lies outside [0, 100]"
                                                  : "lies outside [0, 1]: write the methylated fraction");
    }
    if (!p->percent && !p->guessed)
        return dcpg_profile_fail_field(
            p, err, "value", text,
            "lies outside [0, 1]: say --profile_format percent where these are percentages");
    p->must_rescale = !p->percent;
    if (p->above_1++ == 0 && p->text) p->above_1_line = dcpg_text_line_number(p->text);
    return DCPG_OK;
}

/* A fraction with a slip would otherwise make all values a hundredth. */
static dcpg_status check_scale(const profile_parser *p, dcpg_err *err) {
    if (!p->guessed || !p->percent || p->within_1 <= p->above_1) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: line %" PRId64 ": its value lies outside [0, 1], %" PRId64
        " others are fractions: correct it, or say --profile_format percent where all are percentages",
        p->path, p->above_1_line, p->within_1);
}

static bool is_column_names(const char *pos) {
    static const char *const known[] = {"pos",      "position",   "start", "chromstart",
                                        "chrstart", "coordinate", "begin", "start_position"};
    char lower[16] = "";
    for (size_t i = 0; i + 1 < sizeof lower && pos[i]; i++) lower[i] = (char)tolower((unsigned char)pos[i]);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(lower, known[i]) == 0) return true;
    }
    return false;
}

static void take_format(profile_parser *p, const profile_format *format) {
    p->format = format;
    p->percent = format == &dcpg_profile_percent;
    int base = format->base;
    if (format == &dcpg_profile_bedgraph && p->options->bedgraph_base >= 0) base = p->options->bedgraph_base;
    p->shift = base == 0;
}

/* Comments and what genome browsers want to know. A track line may name the format. */
static bool skip_line(profile_parser *p, const char *line) {
    if (line[0] == '#' || line[0] == '\0') return true;
    if (line[0] == ' ' || line[0] == '\t') return line[strspn(line, " \t")] == '\0';
    if (line[0] != 't' && line[0] != 'b') return false;
    size_t word = strcspn(line, " \t");
    if (word == 5 && strncmp(line, "track", 5) == 0) {
        if (!p->format && strstr(line, "type=bedGraph")) take_format(p, &dcpg_profile_bedgraph);
        return true;
    }
    return word == 7 && strncmp(line, "browser", 7) == 0;
}

static dcpg_status parse_line(profile_parser *p, char *line, dcpg_err *err) {
    if (skip_line(p, line)) return DCPG_OK;
    fields f;
    scan_fields(line, p->format && p->nb_line > 0 ? p->format->nb_looked_at : MAX_FIELD, &f);
    if (p->nb_line == 0 && f.n >= 3 && is_column_names(f.at[1])) return DCPG_OK;
    if (!p->format) take_format(p, dcpg_profile_tell_format(&f));
    p->nb_line++;
    if (f.n < p->format->nb_column) {
        return dcpg_fail(
            err, DCPG_E_INPUT, "%s: line %" PRId64 " has %d column%s: it should hold %s, separated by tabs",
            p->path, dcpg_text_line_number(p->text), f.n, f.n == 1 ? "" : "s", p->format->columns);
    }
    if (*f.at[0] == '\0') return dcpg_profile_fail_field(p, err, "chromosome", f.at[0], "is empty");
    return p->format->parse(p, &f, err);
}

static dcpg_status parse_lines(profile_parser *p, dcpg_err *err) {
    char *line;
    bool columns = p->format == &dcpg_profile_columns;
    DCPG_TRY(dcpg_text_line(p->text, &line, err));
    while (line && !p->must_rescale) {
        DCPG_TRY(columns ? dcpg_profile_parse_columns(p, line, err) : parse_line(p, line, err));
        DCPG_TRY(dcpg_text_line(p->text, &line, err));
    }
    return DCPG_OK;
}

static dcpg_status parse_file(profile_parser *p, dcpg_err *err) {
    if (p->format == &dcpg_profile_bigwig) return dcpg_profile_read_bigwig(p, err);
    DCPG_TRY(dcpg_text_open_table(p->path, &p->text, err));
    return parse_lines(p, err);
}

/* From the start, as percentages. */
static dcpg_status read_again(profile_parser *p, dcpg_err *err) {
    profile_parser again = {.options = p->options, .path = p->path, .last = -1, .guessed = true};
    take_format(&again, p->format == &dcpg_profile_bedgraph ? &dcpg_profile_percent : p->format);
    again.percent = true;
    dcpg_profile_free_drafts(p);
    dcpg_text_close(p->text);
    *p = again;
    return parse_file(p, err);
}

dcpg_status dcpg_profile_read_calls(profile_parser *p, dcpg_err *err) {
    const profile_format *format;
    DCPG_TRY(dcpg_profile_find_format(p->options->format, &format, &p->spec, err));
    p->guessed = !format || format == &dcpg_profile_bigwig;
    if (!format && dcpg_profile_is_bigwig(p->path)) format = &dcpg_profile_bigwig;
    if (format) take_format(p, format);
    DCPG_TRY(parse_file(p, err));
    if (p->must_rescale) DCPG_TRY(read_again(p, err));
    DCPG_TRY(check_scale(p, err));
    if (p->nb_line == 0 && p->options->lenient) return DCPG_OK;
    if (p->nb_line == 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no methylation values: leave the file out", p->path);
    if (p->format == &dcpg_profile_bedgraph && !p->options->genome && p->options->bedgraph_base < 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: a bedGraph may count from 0 or from 1: say which with --bedgraph_base, or give "
                         "--dna_files to find out",
                         p->path);
    }
    if (p->options->min_reads > 1 && !p->format->counts) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: --min_reads %" PRId64
                         ": this file (%s) holds values without numbers of reads: leave the option out",
                         p->path, p->options->min_reads, p->format->name);
    }
    return DCPG_OK;
}
