// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/refusal.h"

#include <string>

#include "json/lenient.h"
#include "json/reader.h"
#include "kube/internal/api_path.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using json_reader::text_in;
using nlohmann::json;

namespace {

constexpr std::size_t kLongestMessage = 1000;

std::string in_ticks(std::string_view text) { return "'" + std::string(text) + "'"; }

// What the server says, on one line.
std::string message_in(const json& status) {
  std::string message = text_in(status, "message").substr(0, kLongestMessage);
  for (char& c : message)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return message;
}

std::string said(const std::string& message) { return message.empty() ? "" : ": " + message; }

std::string trying(const Asked& asked) {
  return "cannot " + std::string(asked.verb) + " " + ApiPath::of(asked.path).described();
}

Error denied(const Asked& asked, const json& status) {
  const ApiPath path = ApiPath::of(asked.path);
  const std::string where = path.namespace_.empty() ? "in the whole cluster"
                                                    : "in namespace " + in_ticks(path.namespace_);
  return Error(ErrorCode::kDenied, trying(asked) + ": " + in_ticks(asked.server) +
                                       " does not allow verb " + in_ticks(asked.verb) + " on " +
                                       in_ticks(path.rbac_resource()) + " " + where +
                                       said(message_in(status)))
      .with_hint(
          "grant it: a role with apiGroups [\"" + path.group + "\"], resources [\"" +
          path.rbac_resource() + "\"], verbs [\"" + std::string(asked.verb) +
          "\"], bound to our service account; or see whether an admission policy forbids it");
}

Error not_accepted(const Asked& asked) {
  return Error(ErrorCode::kDenied,
               trying(asked) + ": " + in_ticks(asked.server) + " does not accept our credentials")
      .with_hint("see whether token or certificate have expired, or belong to another cluster");
}

// A kind that the server does not know has no Status, or one that names no object.
Error not_found(const Asked& asked, const json& status) {
  if (!text_in(json_reader::child_of(status, "details"), "name").empty())
    return {ErrorCode::kNotFound, trying(asked) + said(message_in(status))};
  return Error(ErrorCode::kUnsupported,
               trying(asked) + ": " + in_ticks(asked.server) + " does not know this kind")
      .with_hint("see whether its custom resource definition is installed");
}

Error of_status(const Asked& asked, long code, const json& status) {
  const std::string because = said(message_in(status));
  switch (code) {
    case 401:
      return not_accepted(asked);
    case 403:
      return denied(asked, status);
    case 404:
      return not_found(asked, status);
    case 405:
      return {ErrorCode::kUnsupported, trying(asked) + because};
    case 409:
    case 410:
      return {ErrorCode::kGone, trying(asked) + because};
    default:
      break;
  }
  if (code >= 500 || code == 408 || code == 429)
    return Error(ErrorCode::kBusy, trying(asked) + ": " + in_ticks(asked.server) +
                                       " answers with status " + std::to_string(code) + because)
        .with_hint("see whether the API server runs well, and try again");
  return {ErrorCode::kInvalidInput,
          trying(asked) + " (status " + std::to_string(code) + ")" + because};
}

}  // namespace

Error refusal(const Asked& asked, long status, std::string_view body) {
  return of_status(asked, status, json_reader::parse_or_discarded(body));
}

Error refusal_in_stream(const Asked& asked, const json& status) {
  return of_status(asked, static_cast<long>(json_reader::number_in(status, "code", 500)), status);
}

bool is_of_another_history(std::string_view body) {
  const json status = json_reader::parse_or_discarded(body);
  const json& causes = json_reader::child_of(json_reader::child_of(status, "details"), "causes");
  if (!causes.is_array()) return false;
  for (const json& cause : causes)
    if (text_in(cause, "reason") == "ResourceVersionTooLarge") return true;
  return false;
}

}  // namespace reprise::kube
