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

# d3dkmt_add_run_test(NAME [OPTIONS option...] COMMAND program argument...)
# A program under d3dkmt-run, whose exit status is the result.
function(d3dkmt_add_run_test name)
  cmake_parse_arguments(TEST "" "" "OPTIONS;COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND d3dkmt-run ${TEST_OPTIONS} -- ${TEST_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
  if(D3DKMT_SANITIZE MATCHES "address")
    # The runtime must come before all other libraries, the shim too; and in programs that were built without it.
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libasan.so
                    OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT LD_PRELOAD=${runtime})
  elseif(D3DKMT_SANITIZE STREQUAL "thread")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT TSAN_OPTIONS=die_after_fork=0)
  endif()
endfunction()
