# The only way to make a module: library reprise::NAME from src/NAME, its unit-test binary, label
# and time limit.
#
#   reprise_module(NAME store
#     SOURCES catalog.cc
#     DEPS base image            # other modules, checked against docs/ARCHITECTURE.md
#     LIBS SQLite::SQLite3       # outside libraries
#     TESTS catalog_test.cc)
#
# With REPRISE_UNITY, as users build it and the sanitizers' lane, a module's files are compiled
# together: headers are read once instead of for each of them. So names in anonymous namespaces must
# be distinct in a module; APART says that those of this one are not.
#
# With REPRISE_QUICK_TESTS the tests are compiled without optimization and from precompiled headers,
# which costs clang with sanitizers a quarter of the time. Preset dev does without, so that a test
# that includes too little is found.
include(GoogleTest)

if(REPRISE_QUICK_TESTS AND BUILD_TESTING)
  add_library(reprise_test_headers OBJECT ${PROJECT_SOURCE_DIR}/cmake/before_leak_check.cc)
  target_precompile_headers(reprise_test_headers PRIVATE
    <gtest/gtest.h> <nlohmann/json.hpp> <filesystem> <functional> <map> <thread>)
  target_link_libraries(reprise_test_headers PRIVATE GTest::gtest nlohmann_json::nlohmann_json)
  target_compile_options(reprise_test_headers PRIVATE -O0)
endif()

function(reprise_module)
  cmake_parse_arguments(ARG "APART" "NAME" "SOURCES;DEPS;LIBS;TESTS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "reprise_module: unknown arguments '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  set(target reprise_${ARG_NAME})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(reprise::${ARG_NAME} ALIAS ${target})
  if(REPRISE_UNITY AND NOT ARG_APART)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 20)
  endif()
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM ARG_DEPS PREPEND reprise::)
  target_link_libraries(${target} PUBLIC ${ARG_DEPS} ${ARG_LIBS} PRIVATE reprise_warnings)
  if(ARG_TESTS AND BUILD_TESTING)
    add_executable(${ARG_NAME}_test ${ARG_TESTS})
    target_link_libraries(${ARG_NAME}_test PRIVATE ${target} reprise_warnings GTest::gtest_main)
    if(REPRISE_QUICK_TESTS)
      target_compile_options(${ARG_NAME}_test PRIVATE -O0)
      target_precompile_headers(${ARG_NAME}_test REUSE_FROM reprise_test_headers)
      target_sources(${ARG_NAME}_test PRIVATE $<TARGET_OBJECTS:reprise_test_headers>)
      target_link_libraries(${ARG_NAME}_test PRIVATE OpenSSL::Crypto)
    endif()
    gtest_discover_tests(${ARG_NAME}_test
      TEST_PREFIX "${ARG_NAME}."
      PROPERTIES LABELS unit TIMEOUT 300
      DISCOVERY_TIMEOUT 300)
  endif()
endfunction()
