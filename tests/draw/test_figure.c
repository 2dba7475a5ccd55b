/* SPDX-License-Identifier: MIT */
/* Ticks at round numbers, text that cannot become markup, and figures of odd values. */
#include "cmocka_all.h"
#include "draw/axis.h"
#include "draw/figure.h"
#include "draw/markup.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_ticks(double low, double high, const char *wanted) {
    draw_ticks t = dcpg_draw_ticks(low, high, false, false, 5);
    char text[256] = "", one[32];
    for (int i = 0; i < t.nb; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", dcpg_draw_tick_text(&t, i, one));
    assert_string_equal(text, wanted);
    assert_true(!isfinite(low) || (t.low <= low && t.high >= high));
}

static void ticks_are_round(void **state) {
    (void)state;
    check_ticks(0, 1, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    check_ticks(0.6267, 0.7304, "0.60 0.65 0.70 0.75 ");
    check_ticks(-3, 12, "-5 0 5 10 15 ");
    check_ticks(7, 7, "6.0 6.5 7.0 7.5 8.0 ");
    check_ticks(0, 0, "-1.0 -0.5 0.0 0.5 1.0 ");
    check_ticks(NAN, NAN, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    check_ticks(0, 3e7, "0 1e+07 2e+07 3e+07 ");
    check_ticks(1e-9, 3e-9, "1e-09 1.5e-09 2e-09 2.5e-09 3e-09 ");
    draw_ticks epochs = dcpg_draw_ticks(1, 3, true, true, 9);
    assert_int_equal(epochs.nb, 3);
    assert_true(epochs.low == 1 && epochs.high == 3 && epochs.step == 1);
}

/* A stream into memory; the caller frees its text. */
typedef struct stream {
    FILE *out;
    char *text;
    size_t size;
} stream;

static void begin(stream *s) { assert_non_null(s->out = open_memstream(&s->text, &s->size)); }

static void check_text(const char *text, size_t most, const char *wanted) {
    stream s = {0};
    begin(&s);
    dcpg_draw_short_text(s.out, text, most);
    fclose(s.out);
    assert_string_equal(s.text, wanted);
    free(s.text);
}

static void text_is_no_markup(void **state) {
    (void)state;
    check_text("<script>alert('a' & \"b\")</script>", 99,
               "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
    check_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    /* A lone byte, a cut letter, a form too long, a surrogate, control characters. */
    const char *bad[] = {"\xFF",         "\xC3", "\xC0\xAF", "\xE0\x80\xAF",
                         "\xED\xA0\x80", "\x01", "\x7F",     "\xC2\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        stream s = {0};
        begin(&s);
        dcpg_draw_text(s.out, bad[i]);
        fclose(s.out);
        assert_int_equal(strncmp(s.text, "\xEF\xBF\xBD", 3), 0);
        assert_int_equal(s.size, 3 * dcpg_draw_letters(bad[i]));
        free(s.text);
    }
    check_text("abc", 3, "abc");
    check_text("abcd", 3, "ab\xE2\x80\xA6");
    check_text("", 3, "");
}

/* Tags are closed in order, and no number is undefined. */
static void check_markup(const char *text) {
    const char *open[16];
    int depth = 0;
    for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        assert_non_null(end);
        if (at[1] == '/') {
            size_t n = (size_t)(end - at) - 2;
            assert_true(depth > 0);
            assert_int_equal(strncmp(open[--depth], at + 2, n), 0);
        } else if (end[-1] != '/') {
            assert_true(depth < 16);
            open[depth++] = at + 1;
        }
    }
    assert_int_equal(depth, 0);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
}

static void figures_of_odd_values(void **state) {
    (void)state;
    const double x[] = {0, 1, NAN, 3}, y[] = {1, INFINITY, 2, -1}, none[] = {NAN, NAN, NAN, NAN};
    const char *note[] = {"<a>", "b", "c", "d"};
    const draw_series series[] = {
        {.kind = DRAW_LINE, .name = "a <line>", .n = 4, .x = x, .y = y},
        {.kind = DRAW_DASHED, .colour = DRAW_FAINT, .n = 4, .x = x, .y = none},
        {.kind = DRAW_POINTS, .colour = 7, .name = "points", .n = 4, .x = x, .y = y, .note = note},
        {.kind = DRAW_BARS, .colour = 2, .name = "bars", .n = 4, .x = x, .y = y, .bar = 0.5}};
    const draw_row row[] = {{.label = "a & b", .value = 3, .text = "3 s", .range = {1, 2, 3, 4, 5}},
                            {.label = "none", .value = NAN, .range = {NAN, NAN, NAN, NAN, NAN}}};
    const draw_plot plot = {.title = "A \"plot\"",
                            .box = {0, 0, 400, 300},
                            .x = {.label = "x"},
                            .y = {.label = "y"},
                            .diagonal = true};
    for (size_t nb = 0; nb <= 4; nb++)
        for (int alone = 0; alone < 2; alone++) {
            stream s = {0};
            draw_plot some = plot;
            some.nb = nb;
            some.series = series;
            begin(&s);
            dcpg_draw_begin(s.out, &(draw_picture){"fig", "Title", "About it", 400, 300, alone});
            dcpg_draw_plot(s.out, &some);
            dcpg_draw_rows(
                s.out,
                &(draw_rows){
                    .title = "<rows>", .box = {0, 0, 400, 0}, .ranges = alone, .nb = nb / 2, .row = row});
            dcpg_draw_end(s.out);
            fclose(s.out);
            check_markup(s.text);
            assert_int_equal(strstr(s.text, "xmlns") != NULL, alone);
            free(s.text);
        }
}

/* Their difference is no number; the axes and what is drawn stay finite. */
static void figures_of_huge_values(void **state) {
    (void)state;
    const double x[] = {1, 2, 3}, y[] = {1e308, 0, -1e308};
    const draw_series series = {.kind = DRAW_LINE, .name = "huge", .n = 3, .x = x, .y = y};
    stream s = {0};
    begin(&s);
    dcpg_draw_begin(s.out, &(draw_picture){"fig", "Title", "About it", 400, 300, false});
    dcpg_draw_plot(s.out, &(draw_plot){.box = {0, 0, 400, 300}, .nb = 1, .series = &series});
    dcpg_draw_plot(s.out,
                   &(draw_plot){.box = {0, 0, 400, 300},
                                .nb = 1,
                                .series = &(draw_series){.kind = DRAW_POINTS, .n = 3, .x = y, .y = x}});
    dcpg_draw_end(s.out);
    fclose(s.out);
    check_markup(s.text);
    free(s.text);
}

/* A legend of many lines takes nothing from the axes of a plot that is higher by what it needs. */
static void many_names_fit(void **state) {
    (void)state;
    const double x[] = {1, 2}, y[] = {3, 2};
    draw_series series[40];
    for (int k = 0; k < 40; k++)
        series[k] = (draw_series){.name = "the name of a run: validation", .n = 2, .x = x, .y = y};
    draw_plot plot = {.box = {0, 0, 560, 340}, .nb = 1, .series = series};
    assert_true(dcpg_draw_more_height(&plot) == 0);
    plot.nb = 40;
    double more = dcpg_draw_more_height(&plot);
    assert_true(more > 19 * 12 && more < 40 * 24);
    plot.box.height += more;
    stream s = {0};
    begin(&s);
    dcpg_draw_begin(s.out, &(draw_picture){"fig", "Title", "About it", 560, plot.box.height, false});
    dcpg_draw_plot(s.out, &plot);
    dcpg_draw_end(s.out);
    fclose(s.out);
    const char *grid = strstr(s.text, "class=\"dg\" d=\"M");
    double left, first, last = -1, at;
    assert_non_null(grid);
    assert_int_equal(sscanf(grid, "class=\"dg\" d=\"M%lf %lf", &left, &first), 2);
    for (; grid; grid = strstr(grid + 1, "class=\"dg\" d=\"M"))
        if (sscanf(grid, "class=\"dg\" d=\"M%lf %lf", &left, &at) == 2) last = at;
    assert_true(first - last > 150); /* from the lowest line of the grid up to the highest */
    free(s.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),       cmocka_unit_test(text_is_no_markup),
        cmocka_unit_test(figures_of_odd_values), cmocka_unit_test(figures_of_huge_values),
        cmocka_unit_test(many_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
