# Language standard, warnings, external packages, precompiled headers.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(SYSTEMC REQUIRED IMPORTED_TARGET systemc)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.11 REQUIRED)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)

# A SystemC program links only if it is compiled for the standard that the library was built with
# (the symbol sc_api_version_*). Ask the library instead of guessing.
include(SystemCStandard)
guestdma_systemc_standard()   # sets GUESTDMA_CXX_STANDARD and GUESTDMA_SC_CPLUSPLUS
set(CMAKE_CXX_STANDARD ${GUESTDMA_CXX_STANDARD})

add_library(gd_flags INTERFACE)
target_compile_options(gd_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror
                                          -ffp-contract=off -fno-math-errno)
target_include_directories(gd_flags INTERFACE "${PROJECT_SOURCE_DIR}")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  # Records of 100 to 500 bytes are cleared and copied on a frame's way; GCC's choice, string instructions, takes longer to start
  # than they need.
  target_compile_options(gd_flags INTERFACE -mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign
                                            -mmemcpy-strategy=vector_loop:512:noalign,libcall:-1:noalign)
endif()
# Two programs of one tree: the first counts how often each branch is taken, the second is compiled for these counts (tools/fast).
if(GUESTDMA_PROFILE STREQUAL "collect")
  target_compile_options(gd_flags INTERFACE -fprofile-generate -fprofile-update=single -Wno-error)
  target_link_options(gd_flags INTERFACE -fprofile-generate)
elseif(GUESTDMA_PROFILE STREQUAL "apply")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)   # what is often called is inlined across rooms
  target_compile_options(gd_flags INTERFACE -fprofile-use -fprofile-correction -Wno-missing-profile -Wno-error)
elseif(GUESTDMA_PROFILE)
  message(FATAL_ERROR "GUESTDMA_PROFILE is \"${GUESTDMA_PROFILE}\"; allowed: collect, apply, or nothing")
endif()
if(GUESTDMA_SANITIZE)
  target_compile_options(gd_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                                            -fno-omit-frame-pointer)
  target_link_options(gd_flags INTERFACE -fsanitize=address,undefined)
endif()

if(GUESTDMA_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    message(FATAL_ERROR "GUESTDMA_FUZZ needs Clang with its libFuzzer (packages clang-14 and libclang-rt-14-dev: tools/setup extra)")
  endif()
  target_compile_options(gd_flags INTERFACE -Wno-error -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                                            -fno-omit-frame-pointer)
  target_link_options(gd_flags INTERFACE -fsanitize=address,undefined)
endif()

add_library(gd_systemc INTERFACE)
target_link_libraries(gd_systemc INTERFACE PkgConfig::SYSTEMC Threads::Threads)
if(GUESTDMA_SC_CPLUSPLUS)
  target_compile_definitions(gd_systemc INTERFACE SC_CPLUSPLUS=${GUESTDMA_SC_CPLUSPLUS})
endif()
get_target_property(_inc PkgConfig::SYSTEMC INTERFACE_INCLUDE_DIRECTORIES)
if(_inc)
  target_include_directories(gd_systemc SYSTEM INTERFACE ${_inc})
endif()

add_library(gd_json INTERFACE)
target_link_libraries(gd_json INTERFACE nlohmann_json::nlohmann_json)

add_library(gd_random123 INTERFACE)
target_include_directories(gd_random123 SYSTEM INTERFACE "${RANDOM123_INCLUDE}")

# Compiled once, reused by every target of the kind.
file(WRITE "${CMAKE_BINARY_DIR}/pch.cpp" "// holder of precompiled headers\n")
add_library(gd_pch_systemc OBJECT "${CMAKE_BINARY_DIR}/pch.cpp")
target_link_libraries(gd_pch_systemc PRIVATE gd_flags gd_systemc)
target_precompile_headers(gd_pch_systemc PRIVATE <systemc> <tlm> <tlm_utils/simple_initiator_socket.h>
                          <tlm_utils/simple_target_socket.h>)
add_library(gd_pch_json OBJECT "${CMAKE_BINARY_DIR}/pch.cpp")
target_link_libraries(gd_pch_json PRIVATE gd_flags gd_json)
target_precompile_headers(gd_pch_json PRIVATE <nlohmann/json.hpp>)

# Tests are compiled with less effort than the rooms that they call, and share one set of headers.
function(guestdma_test_options target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Og>)
  target_link_libraries(${target} PRIVATE gd_test_warnings)
endfunction()
if(GUESTDMA_TESTS AND NOT GUESTDMA_FUZZ)
  # GCC 12 sees overruns in lists of short std::strings that are none (GCC bug 105651). In the link interface they come after -Wall.
  add_library(gd_test_warnings INTERFACE)
  target_compile_options(gd_test_warnings INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  find_package(GTest REQUIRED)
  add_library(gd_pch_test OBJECT "${CMAKE_BINARY_DIR}/pch.cpp")
  target_link_libraries(gd_pch_test PRIVATE gd_flags gd_systemc gd_json GTest::gtest GTest::gmock)
  guestdma_test_options(gd_pch_test)
  target_precompile_headers(gd_pch_test PRIVATE <systemc> <tlm> <tlm_utils/simple_initiator_socket.h>
                            <tlm_utils/simple_target_socket.h> <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
endif()
