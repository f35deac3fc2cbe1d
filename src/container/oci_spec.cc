// SPDX-License-Identifier: Apache-2.0
#include "container/oci_spec.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "container/identity.h"
#include "container/sysctls.h"
#include "json/reader.h"
#include "json/writer.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::container {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

// Every annotation of ours, and what it can be. One that is missing here is refused at `create`.
struct Annotation {
  std::string_view name;
  std::string_view values;
};
constexpr std::string_view kPrefix = "reprise.dev/";
constexpr std::array kAnnotations = {
    Annotation{"reprise.dev/on-stop", "checkpoint, signal"},
    Annotation{"reprise.dev/on-restore-failure", "fail, cold"},
    Annotation{"reprise.dev/io-uring", "deny, allow"},
    Annotation{"reprise.dev/mptcp", "deny, allow"},
    Annotation{"reprise.dev/freeze-limit", "whole seconds from 1 to 86400"},
    Annotation{"reprise.dev/volumes", "include, exclude"},
    Annotation{"reprise.dev/key", "a name that outlives the container; empty: its id"},
    Annotation{"reprise.dev/fill-volumes", "a checkpoint; set by 'reprise restore'"},
    Annotation{"reprise.dev/restored-from", "a checkpoint; set by 'reprise restore'"},
};

// "'reprise.dev/on-stop' (checkpoint, signal), …"
std::string list_annotations() {
  std::string list;
  for (const Annotation& one : kAnnotations)
    ((((list += list.empty() ? "'" : ", '") += one.name) += "' (") += one.values) += ")";
  return list;
}

OciSpec read_spec(const json& config, const std::filesystem::path& bundle) {
  OciSpec spec;
  spec.annotations = config.value("annotations", std::map<std::string, std::string>{});
  spec.root_path = (bundle / config.at("root").at("path").get<std::string>()).string();
  spec.command = config.value("process", json::object()).value("args", std::vector<std::string>{});
  for (const json& mount : config.value("mounts", json::array()))
    spec.mounts.push_back({.destination = mount.at("destination").get<std::string>(),
                           .type = mount.value("type", ""),
                           .source = mount.value("source", ""),
                           .options = mount.value("options", std::vector<std::string>{})});
  spec.host_name = config.value("hostname", "");
  const json linux_part = config.value("linux", json::object());
  for (const auto& [name, value] : linux_part.value("sysctl", std::map<std::string, std::string>{}))
    spec.sysctls.emplace(sysctl_path(name), value);
  for (const json& ns : linux_part.value("namespaces", json::array())) {
    if (ns.at("type") == "ipc") spec.shares_ipc = !ns.value("path", "").empty();
    if (ns.at("type") == "uts") spec.has_uts_namespace = ns.value("path", "").empty();
    if (ns.at("type") != "network") continue;
    spec.has_network_namespace = true;
    spec.network_namespace_path = ns.value("path", "");
  }
  return spec;
}

std::string value_of(const std::map<std::string, std::string>& annotations, const char* name,
                     const char* fallback) {
  const auto found = annotations.find(name);
  return found == annotations.end() ? fallback : found->second;
}

std::unexpected<Error> bad_value(const std::string& name, const std::string& value,
                                 const std::string& allowed) {
  return std::unexpected(Error(ErrorCode::kInvalidInput,
                               "annotation '" + name + "' has the unknown value '" + value + "'")
                             .with_hint("use one of: " + allowed));
}

Result<std::chrono::seconds> parse_seconds(const char* name,
                                           const std::map<std::string, std::string>& annotations,
                                           std::chrono::seconds fallback) {
  const auto found = annotations.find(name);
  if (found == annotations.end()) return fallback;
  const std::string& text = found->second;
  constexpr int kMost = 86400;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kMost)
    return bad_value(name, text, "whole seconds from 1 to 86400");
  return std::chrono::seconds(seconds);
}

std::optional<std::string> mounted_shm(const OciSpec& spec) {
  for (const SpecMount& mount : spec.mounts)
    if (mount.destination == "/dev/shm" && mount.type == "bind" && mount.source != "/dev/shm")
      return mount.source;  // "/dev/shm" itself: --ipc=host, which is not the container's
  return std::nullopt;
}

}  // namespace

Result<OciSpec> parse_oci_spec(std::string_view text, const std::filesystem::path& bundle) {
  try {
    return read_spec(json_reader::parse(text), bundle);
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt, "'" + (bundle / "config.json").string() +
                                         "' is not an OCI configuration: " + error.what());
  }
}

Result<OciSpec> load_oci_spec(const std::filesystem::path& bundle) {
  const std::string text = REPRISE_PASS(sys::read_file(bundle / "config.json"));
  return parse_oci_spec(text, bundle);
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

Result<Wishes> parse_wishes(const std::map<std::string, std::string>& annotations) {
  Wishes wishes;
  const std::string on_stop = value_of(annotations, "reprise.dev/on-stop", "signal");
  if (on_stop != "checkpoint" && on_stop != "signal")
    return bad_value("reprise.dev/on-stop", on_stop, "checkpoint, signal");
  wishes.checkpoint_on_stop = on_stop == "checkpoint";

  const std::string volumes = value_of(annotations, "reprise.dev/volumes", "exclude");
  if (volumes != "include" && volumes != "exclude")
    return bad_value("reprise.dev/volumes", volumes, "include, exclude");
  wishes.include_volumes = volumes == "include";
  wishes.fill_volumes_from = value_of(annotations, "reprise.dev/fill-volumes", "");
  wishes.restored_from = value_of(annotations, "reprise.dev/restored-from", "");

  const std::string on_failure = value_of(annotations, "reprise.dev/on-restore-failure", "fail");
  if (on_failure != "cold" && on_failure != "fail")
    return bad_value("reprise.dev/on-restore-failure", on_failure, "fail, cold");
  wishes.on_restore_failure =
      on_failure == "cold" ? OnRestoreFailure::kStartCold : OnRestoreFailure::kFail;

  const std::string io_uring = value_of(annotations, "reprise.dev/io-uring", "deny");
  if (io_uring != "deny" && io_uring != "allow")
    return bad_value("reprise.dev/io-uring", io_uring, "deny, allow");
  wishes.io_uring = io_uring == "allow" ? IoUring::kAllow : IoUring::kDeny;
  // Read where it is heeded (container/refused_calls.h).
  const std::string mptcp = value_of(annotations, "reprise.dev/mptcp", "deny");
  if (mptcp != "deny" && mptcp != "allow")
    return bad_value("reprise.dev/mptcp", mptcp, "deny, allow");

  wishes.freeze_limit =
      REPRISE_PASS(parse_seconds("reprise.dev/freeze-limit", annotations, wishes.freeze_limit));

  wishes.stop_signal = REPRISE_TRY(
      sys::parse_signal(value_of(annotations, "org.opencontainers.image.stopSignal", "15")),
      "reading annotation 'org.opencontainers.image.stopSignal'");
  return wishes;
}

Result<void> check_annotations(const std::map<std::string, std::string>& annotations) {
  for (const auto& [name, value] : annotations)
    if (name.starts_with(kPrefix) && std::ranges::find(kAnnotations, std::string_view(name),
                                                       &Annotation::name) == kAnnotations.end())
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, "there is no annotation '" + name + "'")
              .with_hint("there are " + list_annotations()));
  std::map<std::string, std::string> ours = annotations;
  std::erase_if(ours, [](const auto& one) { return !one.first.starts_with(kPrefix); });
  REPRISE_PASS(parse_wishes(ours));
  if (const std::string key = key_name(ours); !key.empty())
    REPRISE_TRY(check_key_name(key), "reading annotation 'reprise.dev/key'");
  return {};
}

std::string command_line(const OciSpec& spec) {
  std::string line;
  for (const std::string& word : spec.command) (line += word) += '\0';
  return line;
}

std::vector<std::string> external_mounts(const OciSpec& spec) {
  std::vector<std::string> destinations;
  for (const SpecMount& mount : spec.mounts)
    if (mount.type == "bind") destinations.push_back(mount.destination);
  std::ranges::sort(destinations);
  return destinations;
}

pid_t network_keeper(const OciSpec& spec) {
  constexpr std::string_view kProc = "/proc/";
  constexpr std::string_view kNetwork = "/ns/net";
  std::string_view pid = spec.network_namespace_path;
  if (!pid.starts_with(kProc) || !pid.ends_with(kNetwork)) return 0;
  pid.remove_prefix(kProc.size());
  pid.remove_suffix(kNetwork.size());
  pid_t keeper = 0;
  const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), keeper);
  return error == std::errc() && end == pid.data() + pid.size() ? keeper : 0;
}

std::optional<std::string> shm_directory(const OciSpec& spec) {
  return spec.shares_ipc ? std::nullopt : mounted_shm(spec);
}

std::optional<std::string> shared_shm_directory(const OciSpec& spec) {
  return spec.shares_ipc ? mounted_shm(spec) : std::nullopt;
}

}  // namespace reprise::container
