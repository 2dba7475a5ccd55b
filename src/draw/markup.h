/* SPDX-License-Identifier: MIT */
/* Text inside HTML, SVG and XML. Private to libdcpg. */
#ifndef DCPG_DRAW_MARKUP_H
#define DCPG_DRAW_MARKUP_H

#include <stdio.h>

/* Bytes of the UTF-8 letter at `text`; 0: it is none, or one that XML does not allow. Pure. */
size_t dcpg_draw_letter(const char *text);

/* Writes text that means nothing to a browser but itself, also within quotes: the characters of markup are
 * escaped; control characters and bytes that are no UTF-8 become U+FFFD. Local. */
void dcpg_draw_text(FILE *out, const char *text);

/* Letters of the text, counted as dcpg_draw_text would write them. Pure. */
size_t dcpg_draw_letters(const char *text);

/* Writes the text, or its first `most` - 1 letters and an ellipsis. Local. */
void dcpg_draw_short_text(FILE *out, const char *text, size_t most);

#endif
