// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ranges>
#include <string>
#include <utility>

namespace reprise::base {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"invalid-input", "not-found",   "gone",
                                                    "busy",          "unsupported", "denied",
                                                    "corrupt",       "io",          "internal"};

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case ESRCH:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::kGone;
    case EACCES:
    case EPERM:
      return ErrorCode::kDenied;
    case EAGAIN:
    case EBUSY:
    case ETIMEDOUT:
      return ErrorCode::kBusy;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

std::string_view to_string(ErrorCode code) { return kNames.at(static_cast<std::size_t>(code)); }

ErrorCode error_code_named(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  return found == kNames.end() ? ErrorCode::kInternal
                               : static_cast<ErrorCode>(found - kNames.begin());
}

int exit_code(ErrorCode code) { return static_cast<int>(code) + 2; }

Error::Error(ErrorCode code, std::string message, std::source_location where) : code_(code) {
  steps_.push_back({std::move(message), where});
}

Error Error::from_errno(int error_number, std::string doing, std::source_location where) {
  // strerrordesc_np is thread safe and never translated, so messages are the same everywhere.
  const char* text = ::strerrordesc_np(error_number);
  Error error(code_of(error_number), text != nullptr ? text : "unknown error", where);
  error.errno_ = error_number;
  if (error_number == ENOSPC || error_number == EDQUOT)
    error.hint_ = "make room there; 'reprise checkpoint rm' and 'reprise store prune' free some";
  return std::move(error).with_step(std::move(doing), where);
}

Error Error::with_step(std::string step, std::source_location where) && {
  steps_.push_back({std::move(step), where});
  return std::move(*this);
}

Error Error::with_hint(std::string hint) && {
  hint_ = std::move(hint);
  return std::move(*this);
}

Error Error::with_suppressed(Error other) && {
  suppressed_.push_back(std::move(other));
  return std::move(*this);
}

std::string Error::message() const {
  std::string text;
  for (const Step& step : std::views::reverse(steps_)) {
    if (!text.empty()) text += ": ";
    text += step.text;
  }
  return text;
}

std::string Error::details() const {
  std::string text;
  for (const Step& step : std::views::reverse(steps_)) {
    if (!text.empty()) text += ": ";
    text += step.text;
    text +=
        " (" + std::string(step.where.file_name()) + ":" + std::to_string(step.where.line()) + ")";
  }
  for (const Error& other : suppressed_) text += "; also: " + other.details();
  return text;
}

}  // namespace reprise::base
