# SPDX-License-Identifier: MIT
# Turns page.css and page.js in FOLDER into the C file OUT: arrays dcpg_report_css and dcpg_report_js, and
# their digests.   cmake -DOUT=FILE -DFOLDER=DIR -P embed.cmake
set(text "/* Made from page.css and page.js. */\n#include \"report/report_impl.h\"\n")
set(line "0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,")
foreach(name css js)
  file(READ "${FOLDER}/page.${name}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  string(APPEND text "const char dcpg_report_${name}[] = {\n${bytes}0};\n")
  file(SHA256 "${FOLDER}/page.${name}" digest)
  string(APPEND text "extern const char dcpg_report_${name}_sha256[];\n"
    "const char dcpg_report_${name}_sha256[] = \"${digest}\";\n")
endforeach()
file(WRITE "${OUT}" "${text}")
