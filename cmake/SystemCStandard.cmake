# Finds the C++ standard that the installed SystemC library was built for.
# Result: GUESTDMA_CXX_STANDARD (20 or 17) and, where it differs from the library's own, GUESTDMA_SC_CPLUSPLUS.
function(guestdma_systemc_standard)
  if(DEFINED CACHE{GUESTDMA_CXX_STANDARD})
    return()
  endif()
  set(src "${CMAKE_BINARY_DIR}/systemc-probe.cpp")
  file(WRITE "${src}" "#include <systemc>\nint sc_main(int, char**) { sc_core::sc_start(); return 0; }\n")
  foreach(candidate 202002L 201703L 201402L 201103L)
    try_compile(ok "${CMAKE_BINARY_DIR}/systemc-probe" "${src}"
      COMPILE_DEFINITIONS -DSC_CPLUSPLUS=${candidate}
      LINK_LIBRARIES PkgConfig::SYSTEMC
      CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON OUTPUT_VARIABLE log)
    if(ok)
      set(GUESTDMA_CXX_STANDARD 20 CACHE INTERNAL "")
      set(GUESTDMA_SC_CPLUSPLUS ${candidate} CACHE INTERNAL "")
      message(STATUS "SystemC was built for ${candidate}; guestdma is compiled as C++20 against it")
      return()
    endif()
  endforeach()
  try_compile(ok "${CMAKE_BINARY_DIR}/systemc-probe17" "${src}" LINK_LIBRARIES PkgConfig::SYSTEMC
              CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON OUTPUT_VARIABLE log17)
  if(ok)
    set(GUESTDMA_CXX_STANDARD 17 CACHE INTERNAL "")
    set(GUESTDMA_SC_CPLUSPLUS "" CACHE INTERNAL "")
    return()
  endif()
  execute_process(COMMAND sh -c "nm -DC '${SYSTEMC_LIBDIR}/libsystemc.so' 2>/dev/null | grep -o 'sc_api_version_[0-9a-zA-Z_]*' | sort -u"
                  OUTPUT_VARIABLE exported OUTPUT_STRIP_TRAILING_WHITESPACE)
  message(FATAL_ERROR "The installed SystemC library does not link with any of C++20, 17, 14 or 11.\n"
    "The library exports: ${exported}\nThe compiler is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.\n"
    "Build SystemC with the same compiler and standard, or point PKG_CONFIG_PATH at such a build.\n${log17}")
endfunction()
