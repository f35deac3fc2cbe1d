// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or an Error. Everything that can fail returns one; nothing of ours throws.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace reprise::base {

template <typename T>
using Result = std::expected<T, Error>;

// Shorthand for returning an error: `return fail(ErrorCode::kNotFound, "no such checkpoint")`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                   std::source_location where = std::source_location::current()) {
  return std::unexpected(Error(code, std::move(message), where));
}
inline std::unexpected<Error> fail_errno(
    int error_number, std::string doing,
    std::source_location where = std::source_location::current()) {
  return std::unexpected(Error::from_errno(error_number, std::move(doing), where));
}

[[noreturn]] inline void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "reprise: bug: broken invariant '%s' at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace reprise::base

// Evaluates `expr` (a Result<T>); on error returns it from the enclosing function with `step`
// added, otherwise yields the value. A GNU statement expression, so that it can be used inline, and
// with a fresh name each time, so that it can be nested.
#define REPRISE_TRY(expr, step) REPRISE_TRY_NAMED(expr, .with_step(step), __COUNTER__)

// The same without a further step, where the callee's error already names everything.
#define REPRISE_PASS(expr) REPRISE_TRY_NAMED(expr, , __COUNTER__)

#define REPRISE_TRY_NAMED(expr, add_step, number) REPRISE_TRY_UNIQUE(expr, add_step, number)
#define REPRISE_TRY_UNIQUE(expr, add_step, number)                                 \
  __extension__({                                                                  \
    auto reprise_result_##number = (expr);                                         \
    if (!reprise_result_##number)                                                  \
      return std::unexpected(std::move(reprise_result_##number).error() add_step); \
    reprise::base::detail::unwrap(std::move(reprise_result_##number));             \
  })

// Broken invariants end the process, in release builds too.
#define REPRISE_ASSERT(expr)                                                 \
  do {                                                                       \
    if (!(expr)) reprise::base::assertion_failed(#expr, __FILE__, __LINE__); \
  } while (0)

namespace reprise::base::detail {
template <typename T>
T unwrap(std::expected<T, Error>&& result) {
  if constexpr (std::is_void_v<T>)
    return;
  else
    return std::move(*result);
}
}  // namespace reprise::base::detail
