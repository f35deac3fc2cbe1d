// SPDX-License-Identifier: Apache-2.0
//
// The one error type: what a caller can do about it, what we were doing, and a hint for people.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::base {

// What the caller can do about a failure. Add a value only when some caller branches on it.
// Each value maps to one exit code (`exit_code()`) and, later, one HTTP status.
enum class ErrorCode : std::uint8_t {
  kInvalidInput,
  kNotFound,
  kGone,         // the process, cgroup or mount vanished while we worked on it
  kBusy,         // try again later
  kUnsupported,  // this kernel, runtime or container lacks a feature; `hint` names the remedy
  kDenied,
  kCorrupt,
  kIo,
  kInternal,
};

// Stable lower-case name, e.g. "not-found"; used in JSON and in the catalog.
std::string_view to_string(ErrorCode code);
// The code of that name; kInternal for a name that is none.
ErrorCode error_code_named(std::string_view name);

// Exit status of a command that failed with `code`: 2 for invalid input, 3 to 10 in the order
// above.
int exit_code(ErrorCode code);

// An error is a code, the innermost message, and the steps that led there (outermost last).
// Values are cheap to move, and never empty: there is no "no error" state.
class Error {
 public:
  Error(ErrorCode code, std::string message,
        std::source_location where = std::source_location::current());

  // Builds an error from an errno value that the caller passes explicitly, because errno itself
  // is easily overwritten between the failing call and here. `doing` is a gerund phrase that names
  // the object: "opening '/x/y'".
  static Error from_errno(int error_number, std::string doing,
                          std::source_location where = std::source_location::current());

  [[nodiscard]] ErrorCode code() const { return code_; }
  // The errno behind this error, or 0.
  [[nodiscard]] int error_number() const { return errno_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }
  [[nodiscard]] const std::vector<Error>& suppressed() const { return suppressed_; }

  // Adds an outer step ("freezing the container").
  Error with_step(std::string step,
                  std::source_location where = std::source_location::current()) &&;
  Error with_hint(std::string hint) &&;
  // Keeps a second failure that happened while the first was handled.
  Error with_suppressed(Error other) &&;

  // "outer step: inner step: message", as people read it. Without locations and hint.
  [[nodiscard]] std::string message() const;
  // message() plus source locations and suppressed errors, for logs.
  [[nodiscard]] std::string details() const;

 private:
  struct Step {
    std::string text;
    std::source_location where;
  };

  ErrorCode code_;
  int errno_ = 0;
  std::vector<Step> steps_;  // innermost first
  std::string hint_;
  std::vector<Error> suppressed_;
};

}  // namespace reprise::base
