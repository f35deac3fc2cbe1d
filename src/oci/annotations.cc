// SPDX-License-Identifier: Apache-2.0
#include "oci/annotations.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "json/writer.h"
#include "oci/cri.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::oci {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// The kubelet gives up a stop 2 minutes after the grace period (cri-client, StopContainer), and a
// SIGKILL that comes at the end of that period is held for as long as this and half a minute.
constexpr std::chrono::seconds kPodsFreezeLimit{75};

// Every annotation of ours, and what it can be. One that is missing here is refused at `create`.
struct Annotation {
  std::string_view name;
  std::string_view values;
};
constexpr std::string_view kPrefix = "reprise.dev/";
constexpr std::array kAnnotations = {
    Annotation{annotation::kOnStop, "checkpoint, signal"},
    Annotation{annotation::kOnDisruption, "checkpoint, signal: in Kubernetes"},
    Annotation{annotation::kOnDelete, "checkpoint, signal: in Kubernetes"},
    Annotation{annotation::kOnRestoreFailure, "fail, cold"},
    Annotation{annotation::kIoUring, "deny, allow"},
    Annotation{annotation::kMultipathTcp, "deny, allow"},
    Annotation{annotation::kFreezeLimit, "whole seconds from 1 to 86400"},
    Annotation{annotation::kVolumes, "include, exclude"},
    Annotation{annotation::kRestore, "eager, lazy"},
    Annotation{annotation::kKey, "a name that outlives the container; empty: its id"},
    Annotation{annotation::kFillVolumes, "a checkpoint; set by 'reprise restore'"},
    Annotation{annotation::kRestoredFrom, "a checkpoint; set by 'reprise restore'"},
};

// Those that a container like this may have: "'reprise.dev/on-stop' (checkpoint, signal), …"
std::string list_annotations(const Annotations& annotations) {
  const bool in_pod = pod_container(annotations).has_value();
  std::string list;
  for (const Annotation& one : kAnnotations) {
    if (in_pod && !is_for_pods(one.name)) continue;
    ((((list += list.empty() ? "'" : ", '") += one.name) += "' (") += one.values) += ")";
  }
  return list;
}

std::string value_of(const Annotations& annotations, const char* name, const char* fallback) {
  const auto found = annotations.find(name);
  return found == annotations.end() ? fallback : found->second;
}

std::unexpected<Error> bad_value(const char* name, const std::string& value) {
  const auto* known = std::ranges::find(kAnnotations, std::string_view(name), &Annotation::name);
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            std::string("annotation '") + name + "' has the unknown value '" + value + "'")
          .with_hint("use one of: " + std::string(known->values)));
}

// Of an annotation with two values, the first of which is the default: whether it has the second.
Result<bool> is_second(const Annotations& annotations, const char* name,
                       const std::array<const char*, 2>& values) {
  const std::string value = value_of(annotations, name, values[0]);
  if (value == values[0] || value == values[1]) return value == values[1];
  return bad_value(name, value);
}

Result<std::chrono::seconds> parse_seconds(const char* name, const Annotations& annotations,
                                           std::chrono::seconds fallback) {
  const auto found = annotations.find(name);
  if (found == annotations.end()) return fallback;
  const std::string& text = found->second;
  constexpr int kMost = 86400;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kMost)
    return bad_value(name, text);
  return std::chrono::seconds(seconds);
}

bool may_be_in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:@-").find(c) != std::string_view::npos;
}

}  // namespace

Result<Wishes> parse_wishes(const Annotations& annotations) {
  Wishes wishes;
  wishes.checkpoint_on_stop =
      REPRISE_PASS(is_second(annotations, annotation::kOnStop, {"signal", "checkpoint"}));
  wishes.checkpoint_on_disruption =
      REPRISE_PASS(is_second(annotations, annotation::kOnDisruption, {"signal", "checkpoint"}));
  wishes.checkpoint_on_delete =
      REPRISE_PASS(is_second(annotations, annotation::kOnDelete, {"signal", "checkpoint"}));
  wishes.include_volumes =
      REPRISE_PASS(is_second(annotations, annotation::kVolumes, {"exclude", "include"}));
  wishes.restore_lazily =
      REPRISE_PASS(is_second(annotations, annotation::kRestore, {"eager", "lazy"}));
  wishes.fill_volumes_from = value_of(annotations, annotation::kFillVolumes, "");
  wishes.restored_from = value_of(annotations, annotation::kRestoredFrom, "");
  if (REPRISE_PASS(is_second(annotations, annotation::kOnRestoreFailure, {"fail", "cold"})))
    wishes.on_restore_failure = OnRestoreFailure::kStartCold;
  if (REPRISE_PASS(is_second(annotations, annotation::kIoUring, {"deny", "allow"})))
    wishes.io_uring = IoUring::kAllow;
  // Heeded by container/refused_calls.h.
  REPRISE_PASS(is_second(annotations, annotation::kMultipathTcp, {"deny", "allow"}));
  wishes.freeze_limit =
      REPRISE_PASS(parse_seconds(annotation::kFreezeLimit, annotations, wishes.freeze_limit));

  if (pod_container(annotations))
    wishes.freeze_limit = std::min(wishes.freeze_limit, kPodsFreezeLimit);
  wishes.stop_signal =
      REPRISE_TRY(sys::parse_signal(value_of(annotations, annotation::kStopSignal, "15")),
                  std::string("reading annotation '") + annotation::kStopSignal + "'");
  return wishes;
}

bool asks_for_checkpoints(std::string_view text) {
  constexpr int kAnnotationsDepth = 2;
  const nlohmann::json config = json_reader::parse_top(text, kAnnotationsDepth);
  if (!config.is_object() || !config.contains("annotations")) return false;
  constexpr std::array kOptIns = {annotation::kOnStop, annotation::kOnDisruption,
                                  annotation::kOnDelete};
  return std::ranges::any_of(kOptIns, [&](const char* name) {
    return json_reader::text_in(config["annotations"], name) == "checkpoint";
  });
}

Result<void> check_annotations(const Annotations& annotations) {
  for (const auto& [name, value] : annotations)
    if (name.starts_with(kPrefix) && std::ranges::find(kAnnotations, std::string_view(name),
                                                       &Annotation::name) == kAnnotations.end())
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, "there is no annotation '" + name + "'")
              .with_hint("there are " + list_annotations(annotations)));
  Annotations ours = annotations;
  std::erase_if(ours, [](const auto& one) { return !one.first.starts_with(kPrefix); });
  REPRISE_PASS(parse_wishes(ours));
  if (const std::string key = value_of(ours, annotation::kKey, ""); !key.empty())
    REPRISE_TRY(check_key_name(key), std::string("reading annotation '") + annotation::kKey + "'");
  return {};
}

base::KeyName key_name(const Annotations& annotations) {
  return base::KeyName::parse(value_of(annotations, annotation::kKey, ""))
      .value_or(base::KeyName());
}

Result<void> check_key_name(std::string_view name) {
  if (base::KeyName::parse(name)) return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "'" + std::string(name) + "' is no key")
          .with_hint("a key has 1 to 128 letters, digits and '_', '.', ':', '@', '-'"));
}

std::string as_key_name(std::string text) {
  std::ranges::replace_if(text, [](char c) { return !may_be_in_name(c); }, '_');
  return text;
}

Result<void> annotate(const std::filesystem::path& bundle, const std::string& name,
                      const std::string& value) {
  const std::filesystem::path file = bundle / "config.json";
  const std::string text = REPRISE_PASS(sys::read_file(file));
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0)
    return base::fail_errno(errno, "examining '" + file.string() + "'");
  // What we do not mean to change stays as the engine wrote it, in its order.
  auto config = json_reader::parse_or_discarded<nlohmann::ordered_json>(text);
  if (!config.is_object())
    return fail(ErrorCode::kCorrupt, "'" + file.string() + "' is not an OCI configuration");
  auto& annotations = config["annotations"];
  if (!annotations.is_object()) annotations = nlohmann::ordered_json::object();
  annotations[name] = value;
  constexpr mode_t kPermissions = 07777;
  return sys::replace_file(file, json_writer::print(config), status.st_mode & kPermissions);
}

}  // namespace reprise::oci
