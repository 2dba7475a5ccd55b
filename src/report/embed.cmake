# SPDX-License-Identifier: MIT
# Turns text files into a C file with their contents: cmake -DOUT=FILE -DNAMES="css;js" -DFOLDER=... -P embed.cmake
# NAME stands for page.NAME, which becomes dcpg_report_NAME, and its digest dcpg_report_NAME_sha256.
set(text "/* Made from page.css and page.js. */\n#include \"report/report_impl.h\"\n")
foreach(name css js)
  file(READ "${FOLDER}/page.${name}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n"
    bytes "${bytes}")
  string(APPEND text "const char dcpg_report_${name}[] = {\n${bytes}0};\n")
  file(SHA256 "${FOLDER}/page.${name}" digest)
  string(APPEND text "extern const char dcpg_report_${name}_sha256[];\n"
    "const char dcpg_report_${name}_sha256[] = \"${digest}\";\n")
endforeach()
file(WRITE "${OUT}" "${text}")
