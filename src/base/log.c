#include <dcpg/log.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 2048 };

void dcpg_log_open(dcpg_log *log, int rank, dcpg_level level) {
    *log =
        (dcpg_log){.screen = stderr, .level = level, .speaks = rank == 0, .terminal = isatty(fileno(stderr))};
}

dcpg_status dcpg_log_to_file(dcpg_log *log, const char *path, dcpg_err *err) {
    FILE *file = fopen(path, "a");
    if (!file) return dcpg_fail(err, DCPG_E_IO, "%s: cannot write the log: %s", path, strerror(errno));
    if (log->file) fclose(log->file);
    log->file = file;
    return DCPG_OK;
}

static void end_progress_line(dcpg_log *log) {
    if (log->screen && log->line_open) fputc('\n', log->screen);
    log->line_open = false;
}

void dcpg_log_close(dcpg_log *log) {
    end_progress_line(log);
    if (log->screen) fflush(log->screen);
    if (log->file) fclose(log->file);
    log->file = NULL;
}

static bool on_screen(const dcpg_log *log, dcpg_level level) { return log->screen && level <= log->level; }

static bool in_file(const dcpg_log *log, dcpg_level level) {
    return log->file && (level <= DCPG_INFO || level <= log->level);
}

static void say(dcpg_log *log, dcpg_level level, const char *prefix, const char *fmt, va_list args) {
    if (!log || !log->speaks || !(on_screen(log, level) || in_file(log, level))) return;
    char line[LINE];
    vsnprintf(line, sizeof line, fmt, args);
    if (on_screen(log, level)) {
        end_progress_line(log);
        fprintf(log->screen, "%s%s\n", prefix, line);
        fflush(log->screen);
    }
    if (in_file(log, level)) {
        fprintf(log->file, "%s%s\n", prefix, line);
        fflush(log->file);
    }
}

#define SAY(level, prefix)                                                                                   \
    do {                                                                                                     \
        va_list args;                                                                                        \
        va_start(args, fmt);                                                                                 \
        say(log, level, prefix, fmt, args);                                                                  \
        va_end(args);                                                                                        \
    } while (0)

void dcpg_info(dcpg_log *log, const char *fmt, ...) { SAY(DCPG_INFO, ""); }

void dcpg_warn(dcpg_log *log, const char *fmt, ...) { SAY(DCPG_WARN, "warning: "); }

void dcpg_debug(dcpg_log *log, const char *fmt, ...) { SAY(DCPG_DEBUG, ""); }

void dcpg_progress(dcpg_log *log, bool milestone, const char *fmt, ...) {
    if (!log || !log->speaks) return;
    bool refresh = log->terminal && on_screen(log, DCPG_INFO);
    if (!refresh && !milestone) return;
    char line[LINE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (refresh) {
        /* Line wrap is off meanwhile: a line wider than the terminal is cut instead of leaving its first half
         * behind. */
        fprintf(log->screen, "\r\033[?7l%s\033[K\033[?7h", line);
        log->line_open = true;
        fflush(log->screen);
    } else if (on_screen(log, DCPG_INFO)) {
        fprintf(log->screen, "%s\n", line);
        fflush(log->screen);
    }
    if (milestone && log->file) {
        fprintf(log->file, "%s\n", line);
        fflush(log->file);
    }
}

double dcpg_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

char *dcpg_duration(double seconds, char text[32]) {
    if (!(seconds >= 0 && seconds < 1e12)) {
        strcpy(text, "?");
        return text;
    }
    long long s = llround(seconds);
    int minutes = (int)(s / 60 % 60), rest = (int)(s % 60);
    if (s < 60)
        snprintf(text, 32, "%d s", rest);
    else if (s < 3600)
        snprintf(text, 32, "%d:%02d", minutes, rest);
    else
        snprintf(text, 32, "%lld:%02d:%02d", s / 3600, minutes, rest);
    return text;
}
