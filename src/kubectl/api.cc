// SPDX-License-Identifier: Apache-2.0
#include "kubectl/api.h"

#include <chrono>

#include "json/reader.h"
#include "json/writer.h"
#include "sys/child.h"

namespace reprise::kubectl {

using base::ErrorCode;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kAnswers{60};

ErrorCode code_of(const std::string& words) {
  if (words.contains("(NotFound)")) return ErrorCode::kNotFound;
  if (words.contains("(Forbidden)")) return ErrorCode::kDenied;
  if (words.contains("(AlreadyExists)")) return ErrorCode::kGone;
  return ErrorCode::kIo;
}

Result<json> object_in(const std::string& text) {
  json answer = json_reader::parse_or_discarded(text);
  if (answer.is_object()) return answer;
  return base::fail(ErrorCode::kCorrupt, "the API server's answer is no object");
}

}  // namespace

Api::Api(const std::string& kubeconfig, const std::string& context) {
  if (!kubeconfig.empty()) words_.push_back("--kubeconfig=" + kubeconfig);
  if (!context.empty()) words_.push_back("--context=" + context);
}

Result<json> Api::get(const std::string& path) const {
  const std::string text = REPRISE_PASS(run({"get", "--raw", path}));
  return object_in(text);
}

Result<std::vector<json>> Api::list(const std::string& path) const {
  const json answer = REPRISE_PASS(get(path));
  const auto items = answer.find("items");
  if (items == answer.end() || !items->is_array())
    return base::fail(ErrorCode::kCorrupt, "the API server's answer is no list");
  return std::vector<json>(items->begin(), items->end());
}

Result<std::optional<std::vector<json>>> Api::list_if_let(const std::string& path) const {
  auto listed = list(path);
  if (listed) return std::optional(std::move(*listed));
  if (listed.error().code() == ErrorCode::kDenied) return std::nullopt;
  return std::unexpected(std::move(listed).error());
}

Result<json> Api::create(const std::string& path, const json& object) const {
  const std::string text =
      REPRISE_PASS(run({"create", "--raw", path, "-f", "-"}, json_writer::print(object)));
  return object_in(text);
}

Result<std::string> Api::own_namespace() const {
  const std::string told =
      REPRISE_PASS(run({"config", "view", "--minify", "--output=jsonpath={..namespace}"}));
  return told.empty() ? "default" : told;
}

Result<std::string> Api::run(const std::vector<std::string>& more, std::string_view input) const {
  std::vector<std::string> words{"kubectl"};
  words.insert(words.end(), words_.begin(), words_.end());
  words.insert(words.end(), more.begin(), more.end());
  const auto done =
      REPRISE_PASS(sys::run({.argv = words, .env = sys::default_environment()}, kAnswers, input));
  if (done.status.success()) return done.out;
  return base::fail(code_of(done.err), "kubectl: " + sys::last_line(done.err));
}

}  // namespace reprise::kubectl
