/* SPDX-License-Identifier: MIT */
/* Prints the help page of a table of options. */
#include <dcpg/options.h>
#include <string.h>

enum {
    WIDTH = 100, /* columns of a page */
    WIDEST = 36, /* an option wider than this has its help on the next line */
    INDENT = 2,
    GAP = 2
};

static int spaces(FILE *out, int n) { return n > 0 ? fprintf(out, "%*s", n, "") : 0; }

/* Prints the words of `text` from `column` on, in lines of WIDTH columns, of which all but the first start at
 * `indent`; returns the column reached. A word wider than a line gets a line of its own. */
static int wrap(FILE *out, const char *text, int column, int indent) {
    for (const char *p = text; *p;) {
        int length = (int)strcspn(p, " \n");
        if (column > indent && column + (length > 0) + length > WIDTH) {
            fputc('\n', out);
            column = spaces(out, indent);
        } else if (column > indent) {
            column += spaces(out, 1);
        }
        column += fprintf(out, "%.*s", length, p);
        p += length;
        p += strspn(p, " \n");
    }
    return column;
}

static const char *meaning(const dcpg_opt *o) {
    if (o->meaning) return o->meaning;
    switch (o->kind) {
    case DCPG_OPT_INT:
        return "N";
    case DCPG_OPT_DOUBLE:
        return "X";
    case DCPG_OPT_STRING:
        return "TEXT";
    case DCPG_OPT_LIST:
    case DCPG_OPT_WORDS:
        return "TEXT";
    case DCPG_OPT_FLAG:
    case DCPG_OPT_GROUP:
        break;
    }
    return "";
}

/* "--name VALUE", "--name VALUE ...", "--name [VALUE ...]", "--name [VALUE]" or "--name"; returns its width.
 * `out` NULL: only measures. */
static int label(FILE *out, const dcpg_opt *o) {
    const char *word = o->kind == DCPG_OPT_FLAG ? "" : meaning(o);
    const char *blank = *word ? " " : "";
    const char *more = o->kind == DCPG_OPT_LIST ? " ..." : "";
    if (o->kind == DCPG_OPT_WORDS) blank = " [", more = o->max > 0 ? "]" : " ...]";
    if (!out) return snprintf(NULL, 0, "--%s%s%s%s", o->name, blank, word, more);
    return fprintf(out, "--%s%s%s%s", o->name, blank, word, more);
}

static void print_option(const dcpg_opt *o, int help_column, FILE *out) {
    int column = spaces(out, INDENT) + label(out, o);
    if (column + GAP > help_column) {
        fputc('\n', out);
        column = 0;
    }
    column += spaces(out, help_column - column);
    if (o->help) column = wrap(out, o->help, column, help_column);
    bool shown = o->initial && *o->initial && !(o->kind == DCPG_OPT_FLAG && strcmp(o->initial, "false") == 0);
    if (shown) {
        wrap(out, "[default:", column, help_column);
        fprintf(out, " %s]", o->initial);
    }
    fputc('\n', out);
}

void dcpg_options_help(const dcpg_command_line *line, FILE *out) {
    static const dcpg_opt help = {.kind = DCPG_OPT_FLAG, .name = "help", .help = "Shows this page."};
    int indent = fprintf(out, "usage: ");
    wrap(out, line->usage, indent, indent);
    fputc('\n', out);
    if (line->about) {
        fputc('\n', out);
        wrap(out, line->about, 0, 0);
        fputc('\n', out);
    }
    int widest = label(NULL, &help);
    for (const dcpg_opt *o = line->options; o->name; o++) {
        int width = o->kind == DCPG_OPT_GROUP ? 0 : label(NULL, o);
        if (width > widest && width <= WIDEST) widest = width;
    }
    int help_column = INDENT + widest + GAP;
    if (line->options->name && line->options->kind != DCPG_OPT_GROUP) fputs("\nOptions\n", out);
    for (const dcpg_opt *o = line->options; o->name; o++) {
        if (o->kind == DCPG_OPT_GROUP)
            fprintf(out, "\n%s\n", o->name);
        else
            print_option(o, help_column, out);
    }
    print_option(&help, help_column, out);
}
