# cmake -DOUT=file.cpp -DFILES=a;b -P EmbedFiles.cmake: a source with the text of each file as a string, named by its file name.
set(code "// Made by cmake/EmbedFiles.cmake.\n#include \"src/report/web.h\"\n\nnamespace gd::report::web {\n\n")
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  get_filename_component(name "${file}" NAME)
  string(REPLACE "." "_" name "${name}")
  string(APPEND code "const char* const ${name} = R\"embedded(${text})embedded\";\n\n")
endforeach()
file(WRITE "${OUT}" "${code}}  // namespace gd::report::web\n")
