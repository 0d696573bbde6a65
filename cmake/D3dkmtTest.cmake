# SPDX-License-Identifier: MIT
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# d3dkmt_add_test(NAME SOURCES file... [LIBRARIES library...] [ARGUMENTS argument...])
# A CMocka program that ctest runs with a time limit. NAME is area-subject, as in wire-request.
function(d3dkmt_add_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES;ARGUMENTS" ${ARGN})
  add_executable(test-${name} ${TEST_SOURCES})
  target_link_libraries(test-${name} PRIVATE ${TEST_LIBRARIES} PkgConfig::CMOCKA Threads::Threads)
  add_test(NAME ${name} COMMAND test-${name} ${TEST_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
  if(D3DKMT_SANITIZE STREQUAL "thread")
    # Children of tests open a backend with threads of its own, which ThreadSanitizer then cannot watch.
    set_tests_properties(${name} PROPERTIES ENVIRONMENT TSAN_OPTIONS=die_after_fork=0)
  endif()
endfunction()
