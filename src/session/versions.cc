// SPDX-License-Identifier: Apache-2.0
#include "session/versions.h"

#include <chrono>

#include "sys/child.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {
constexpr std::chrono::seconds kLimit{10};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
}  // namespace

Result<std::string> criu_version() {
  const Result<std::string> out = sys::run_ok({"criu", "--version"}, kLimit);
  if (!out)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "'criu' does not run: " + out.error().message())
            .with_hint("install criu 4.2.1 or newer; 'reprise doctor' checks the host"));
  const std::string line = first_line(*out);  // "Version: 4.2.1"
  const std::size_t colon = line.find(": ");
  return colon == std::string::npos ? line : line.substr(colon + 2);
}

std::string runtime_version(const std::filesystem::path& runc) {
  const Result<std::string> out = sys::run_ok({runc.string(), "--version"}, kLimit);
  return out ? first_line(*out) : "";
}

}  // namespace reprise::session
