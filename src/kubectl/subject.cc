// SPDX-License-Identifier: Apache-2.0
#include "kubectl/subject.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "json/lenient.h"
#include "json/reader.h"
#include "kubectl/remarks.h"

namespace reprise::kubectl {

using base::ErrorCode;
using base::Result;
using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

struct Named {
  std::string_view word;
  Subject::Kind kind;
};
// As kubectl has them.
constexpr std::array kWords = {
    Named{"pod", Subject::Kind::kPod},
    Named{"pods", Subject::Kind::kPod},
    Named{"po", Subject::Kind::kPod},
    Named{"deployment", Subject::Kind::kDeployment},
    Named{"deployments", Subject::Kind::kDeployment},
    Named{"deploy", Subject::Kind::kDeployment},
    Named{"statefulset", Subject::Kind::kStatefulSet},
    Named{"statefulsets", Subject::Kind::kStatefulSet},
    Named{"sts", Subject::Kind::kStatefulSet},
    Named{"job", Subject::Kind::kJob},
    Named{"jobs", Subject::Kind::kJob},
    Named{"node", Subject::Kind::kNode},
    Named{"nodes", Subject::Kind::kNode},
    Named{"no", Subject::Kind::kNode},
};

bool is_name(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  return !text.empty() && text.size() <= kLongest && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string requirement(const json& expression) {
  const std::string key = text_in(expression, "key");
  const std::string how = text_in(expression, "operator");
  if (how == "Exists") return key;
  if (how == "DoesNotExist") return "!" + key;
  std::string values;
  for (const json& one : child_of(expression, "values"))
    if (one.is_string()) values += (values.empty() ? "" : ",") + one.get<std::string>();
  return key + (how == "NotIn" ? " notin (" : " in (") + values + ")";
}

}  // namespace

Result<Subject> parse_subject(const std::string& text) {
  Subject subject{.kind = Subject::Kind::kPod, .name = text};
  if (const auto at = text.find('/'); at != std::string::npos) {
    const auto found =
        std::ranges::find(kWords, std::string_view(text).substr(0, at), &Named::word);
    if (found == kWords.end())
      return std::unexpected(
          base::Error(ErrorCode::kInvalidInput,
                      "'" + text.substr(0, at) + "' is nothing of which we know")
              .with_hint("name a pod, or deployment/NAME, statefulset/NAME, job/NAME, node/NAME"));
    subject = {.kind = found->kind, .name = text.substr(at + 1)};
  }
  if (!is_name(subject.name))
    return base::fail(ErrorCode::kInvalidInput, "'" + subject.name + "' is no name");
  return subject;
}

std::string to_text(const Subject& subject) {
  constexpr std::array kNames = {"pod", "Deployment", "StatefulSet", "Job", "node"};
  return std::string(kNames.at(static_cast<std::size_t>(subject.kind))) + " '" + subject.name + "'";
}

std::string label_query(const json& selector) {
  std::string query;
  const auto add = [&](const std::string& one) { query += (query.empty() ? "" : ",") + one; };
  const json& labels = child_of(selector, "matchLabels");
  if (labels.is_object())
    for (const auto& [key, value] : labels.items())
      if (value.is_string()) add(key + "=" + value.get<std::string>());
  for (const json& one : child_of(selector, "matchExpressions")) add(requirement(one));
  return "labelSelector=" + escaped(query);
}

bool is_made_by(const json& owner, const Subject& subject) {
  const std::string kind = text_in(owner, "kind");
  const std::string name = text_in(owner, "name");
  switch (subject.kind) {
    case Subject::Kind::kDeployment: {
      // NAME-TEMPLATEHASH, and the hash has no '-'.
      const auto at = name.rfind('-');
      return kind == "ReplicaSet" && at != std::string::npos && name.substr(0, at) == subject.name;
    }
    case Subject::Kind::kStatefulSet:
      return kind == "StatefulSet" && name == subject.name;
    case Subject::Kind::kJob:
      return kind == "Job" && name == subject.name;
    case Subject::Kind::kPod:
    case Subject::Kind::kNode:
      break;
  }
  return false;
}

}  // namespace reprise::kubectl
