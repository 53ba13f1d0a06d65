# Where the program is built, and what `cmake --install BUILD --prefix P` puts where. The program looks for scenarios and
# tools/plot in ../share/guestdma beside its own folder first; that folder has the layout of the source tree.
if(NOT TARGET guestdma)
  return()
endif()
set_target_properties(guestdma PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

install(TARGETS guestdma RUNTIME DESTINATION bin)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/scenarios" DESTINATION share/guestdma)
install(PROGRAMS "${PROJECT_SOURCE_DIR}/tools/plot" DESTINATION share/guestdma/tools)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/tools/plots" DESTINATION share/guestdma/tools FILES_MATCHING PATTERN "*.py")
install(FILES "${PROJECT_SOURCE_DIR}/docs/guestdma.1" DESTINATION share/man/man1)
install(FILES "${PROJECT_SOURCE_DIR}/tools/completion/guestdma.bash" DESTINATION share/bash-completion/completions
        RENAME guestdma)
install(FILES README.md LICENSE THIRD_PARTY CHANGELOG.md DESTINATION share/doc/guestdma)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/" DESTINATION share/doc/guestdma
        FILES_MATCHING PATTERN "*.md" PATTERN "*.png")
