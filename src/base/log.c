/* SPDX-License-Identifier: MIT */
/* Log lines and progress on the screen and in the log file; times. */
#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <errno.h>
#include <fcntl.h>
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

static void forget_file(dcpg_log *log) {
    dcpg_free(log->file_name);
    log->file = NULL;
    log->file_name = NULL;
}

/* Opens a file for appending; a pipe only where somebody reads it (otherwise ENXIO): it is not waited for. */
static FILE *open_to_append(const char *path) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    bool waits = fd >= 0 && fcntl(fd, F_SETFL, O_APPEND) == 0; /* for a slow reader, from here on */
    FILE *file = waits ? fdopen(fd, "a") : NULL;
    if (!file && fd >= 0) close(fd);
    return file;
}

dcpg_status dcpg_log_to_file(dcpg_log *log, const char *path, dcpg_err *err) {
    FILE *file = open_to_append(path);
    if (!file)
        return dcpg_fail(err, DCPG_E_IO, "%s: cannot write the log: %s", path,
                         errno == ENXIO ? "nobody reads this pipe" : strerror(errno));
    if (log->file) fclose(log->file);
    forget_file(log);
    log->file = file;
    log->file_name = dcpg_strdup(path);
    if (log->file_name) return DCPG_OK;
    return dcpg_fail_nomem(err, path, strlen(path));
}

static void end_progress_line(dcpg_log *log) {
    if (log->screen && log->line_open) fputc('\n', log->screen);
    log->line_open = false;
}

/* Writes a line to the file. The first failure gives a warning only: it must not end a training of days. */
static void put_in_file(dcpg_log *log, const char *prefix, const char *line) {
    errno = 0;
    bool fine = fprintf(log->file, "%s%s\n", prefix, line) >= 0 && fflush(log->file) == 0;
    if (fine || log->file_error) return;
    log->file_error = errno ? errno : EIO;
    if (!log->screen) return;
    end_progress_line(log);
    fprintf(log->screen, "warning: %s: the log cannot be written: %s\n", log->file_name,
            strerror(log->file_error));
    fflush(log->screen);
}

dcpg_status dcpg_log_close(dcpg_log *log, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    end_progress_line(log);
    if (log->screen) fflush(log->screen);
    errno = 0;
    if (log->file && fclose(log->file) != 0 && !log->file_error) log->file_error = errno ? errno : EIO;
    if (log->file && log->file_error)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot write the log: %s", log->file_name,
                           strerror(log->file_error));
    forget_file(log);
    log->file_error = 0;
    return status;
}

static bool on_screen(const dcpg_log *log, dcpg_level level) { return log->screen && level <= log->level; }

static bool in_file(const dcpg_log *log, dcpg_level level) {
    return log->file && (level <= DCPG_INFO || level <= log->level);
}

static void log_line(dcpg_log *log, dcpg_level level, const char *prefix, const char *fmt, va_list args) {
    if (!log || !log->speaks || !(on_screen(log, level) || in_file(log, level))) return;
    char line[LINE];
    vsnprintf(line, sizeof line, fmt, args);
    if (on_screen(log, level)) {
        end_progress_line(log);
        fprintf(log->screen, "%s%s\n", prefix, line);
        fflush(log->screen);
    }
    if (in_file(log, level)) put_in_file(log, prefix, line);
}

#define LOG_LINE(level, prefix)                                                                              \
    do {                                                                                                     \
        va_list args;                                                                                        \
        va_start(args, fmt);                                                                                 \
        log_line(log, level, prefix, fmt, args);                                                             \
        va_end(args);                                                                                        \
    } while (0)

void dcpg_info(dcpg_log *log, const char *fmt, ...) { LOG_LINE(DCPG_INFO, ""); }

void dcpg_warn(dcpg_log *log, const char *fmt, ...) { LOG_LINE(DCPG_WARN, "warning: "); }

void dcpg_debug(dcpg_log *log, const char *fmt, ...) { LOG_LINE(DCPG_DEBUG, ""); }

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
        /* Line wrap is off while this is written: a line wider than the terminal is cut off, rather than
         * leaving its first half on the screen. */
        fprintf(log->screen, "\r\033[?7l%s\033[K\033[?7h", line);
        log->line_open = true;
        fflush(log->screen);
    } else if (on_screen(log, DCPG_INFO)) {
        fprintf(log->screen, "%s\n", line);
        fflush(log->screen);
    }
    if (milestone && log->file) put_in_file(log, "", line);
}

double dcpg_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

char *dcpg_date(int64_t seconds, char text[32]) {
    time_t at = (time_t)seconds;
    struct tm local;
    strcpy(text, "?");
    if (localtime_r(&at, &local)) strftime(text, 32, "%Y-%m-%d %H:%M:%S", &local);
    return text;
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
