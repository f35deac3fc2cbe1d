// SPDX-License-Identifier: Apache-2.0
#include "container/refused_calls.h"

#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "json/reader.h"
#include "json/writer.h"
#include "oci/annotations.h"
#include "sys/files.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
// The order of keys is the engine's: what we do not mean to change stays as it was.
using Json = nlohmann::ordered_json;

namespace {

// nullptr if it is missing or null; throws if `object` is none.
const Json* member(const Json& object, const char* name) {
  const auto& members = object.get_ref<const Json::object_t&>();
  const auto found = members.find(name);
  return found == members.end() || found->second.is_null() ? nullptr : &found->second;
}

// A profile without a default action and rules is none, to runc as well.
bool has_profile(const Json& config) {
  const Json* const section = member(config, "linux");
  const Json* const seccomp = section == nullptr ? nullptr : member(*section, "seccomp");
  if (seccomp == nullptr) return false;
  const Json* const rules = member(*seccomp, "syscalls");
  const Json* const action = member(*seccomp, "defaultAction");
  return (rules != nullptr && !rules->get_ref<const Json::array_t&>().empty()) ||
         (action != nullptr && !action->get_ref<const std::string&>().empty());
}

// --- io_uring

constexpr std::array<std::string_view, 3> kIoUringCalls = {"io_uring_setup", "io_uring_enter",
                                                           "io_uring_register"};

bool is_io_uring(const Json& name) {
  return name.is_string() && std::ranges::find(kIoUringCalls, name.get_ref<const std::string&>()) !=
                                 kIoUringCalls.end();
}

// Two rules of different actions for the same call are an error for runc.
void drop_io_uring(Json& rules) {
  for (Json& one : rules) {
    Json kept = Json::array();
    for (const Json& name : one.at("names").get_ref<const Json::array_t&>())
      if (!is_io_uring(name)) kept.push_back(name);
    one["names"] = std::move(kept);
  }
  std::erase_if(rules.get_ref<Json::array_t&>(),
                [](const Json& one) { return one.at("names").empty(); });
}

void refuse_io_uring(Json& rules) {
  drop_io_uring(rules);
  rules.push_back({{"names", kIoUringCalls}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}});
}

// --- Multipath TCP: socket(domain, type, protocol)
//
// A filter has no order of rules: a call that both of two match may get the action of either. So
// the protocol is taken out of what allows others, by conditions that do not match it. runc takes
// several conditions on one argument for alternatives, so each rule has one on the protocol.

constexpr std::uint64_t kMultipath = IPPROTO_MPTCP;
constexpr int kProtocolIndex = 2;

Json below(std::uint64_t value) {
  return {{"index", kProtocolIndex}, {"value", value}, {"op", "SCMP_CMP_LT"}};
}
Json above(std::uint64_t value) {
  return {{"index", kProtocolIndex}, {"value", value}, {"op", "SCMP_CMP_GT"}};
}

// Conditions of which one holds for each value of [first, last], and none for others.
std::vector<Json> between(std::uint64_t first, std::uint64_t last) {
  std::vector<Json> conditions;
  while (first <= last) {
    // The largest block of aligned values that fits.
    std::uint64_t size = first == 0 ? std::bit_floor(last + 1) : first & (~first + 1);
    while (size > last - first + 1) size /= 2;
    conditions.push_back({{"index", kProtocolIndex},
                          {"value", ~(size - 1)},
                          {"valueTwo", first},
                          {"op", "SCMP_CMP_MASKED_EQ"}});
    first += size;
  }
  return conditions;
}

// Conditions on the protocol of which one holds where `condition` does, but not for Multipath TCP;
// nullopt where we know of none.
std::optional<std::vector<Json>> narrowed(const Json& condition) {
  const auto value = condition.at("value").get<std::uint64_t>();
  const auto op = condition.at("op").get<std::string>();
  if (op == "SCMP_CMP_EQ") {
    if (value == kMultipath) return std::vector<Json>{};
    return std::vector<Json>{condition};
  }
  if (op != "SCMP_CMP_NE") return std::nullopt;
  if (value == kMultipath) return std::vector<Json>{condition};
  if (value > kMultipath) return std::nullopt;
  std::vector<Json> conditions = between(value + 1, kMultipath - 1);
  conditions.push_back(above(kMultipath));
  if (value > 0) conditions.push_back(below(value));
  return conditions;
}

// The same rule without Multipath TCP, as several; nullopt where that cannot be said.
std::optional<std::vector<Json>> without_multipath(const Json& rule) {
  Json others = Json::array();
  std::vector<Json> conditions = {below(kMultipath), above(kMultipath)};
  int on_protocol = 0;
  const Json* const args = member(rule, "args");
  for (const Json& condition : args == nullptr ? Json::array() : *args) {
    if (condition.at("index") != kProtocolIndex) {
      others.push_back(condition);
      continue;
    }
    auto narrow = narrowed(condition);
    if (!narrow || ++on_protocol > 1) return std::nullopt;
    conditions = std::move(*narrow);
  }
  std::vector<Json> rules;
  for (const Json& condition : conditions) {
    Json one = rule;
    one["names"] = {"socket"};
    one["args"] = others;
    one["args"].push_back(condition);
    rules.push_back(std::move(one));
  }
  return rules;
}

// Does nothing where it cannot be said.
void refuse_multipath(Json& rules) {
  const Json is_multipath = {
      {"index", kProtocolIndex}, {"value", kMultipath}, {"op", "SCMP_CMP_EQ"}};
  Json edited = Json::array();
  for (const Json& rule : rules) {
    Json rest = rule;
    auto& names = rest.at("names").get_ref<Json::array_t&>();
    const bool concerned = std::erase(names, "socket") > 0;
    if (!concerned || !names.empty()) edited.push_back(rest);
    if (!concerned) continue;
    const auto narrow = without_multipath(rule);
    if (!narrow) return;
    for (const Json& one : *narrow) edited.push_back(one);
  }
  edited.push_back({{"names", {"socket"}},
                    {"action", "SCMP_ACT_ERRNO"},
                    {"errnoRet", EPROTONOSUPPORT},
                    {"args", Json::array({is_multipath})}});
  rules = std::move(edited);
}

// As for all of our annotations that allow something: anything else denies.
bool allows(const Json& config, const char* annotation) {
  const Json* const annotations = member(config, "annotations");
  const Json* const value = annotations == nullptr ? nullptr : member(*annotations, annotation);
  return value != nullptr && *value == "allow";
}

void edit(Json& config) {
  Json& seccomp = config["linux"]["seccomp"];
  if (seccomp["syscalls"].is_null()) seccomp["syscalls"] = Json::array();
  if (!allows(config, oci::annotation::kIoUring)) refuse_io_uring(seccomp["syscalls"]);
  if (!allows(config, oci::annotation::kMultipathTcp)) refuse_multipath(seccomp["syscalls"]);
}

}  // namespace

Result<std::string> refusing_what_cannot_be_saved(std::string_view config) {
  try {
    Json parsed = json_reader::parse<Json>(config);
    if (!has_profile(parsed)) return std::string(config);
    edit(parsed);
    return json_writer::print(parsed);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, std::string("not an OCI configuration: ") + error.what());
  }
}

Result<void> refuse_what_cannot_be_saved(const std::filesystem::path& bundle) {
  const std::filesystem::path file = bundle / "config.json";
  const std::string config = REPRISE_PASS(sys::read_file(file));
  const std::string edited =
      REPRISE_TRY(refusing_what_cannot_be_saved(config), "editing '" + file.string() + "'");
  if (edited == config) return {};
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0)
    return base::fail_errno(errno, "examining '" + file.string() + "'");
  constexpr mode_t kPermissions = 07777;
  return sys::replace_file(file, edited, status.st_mode & kPermissions);
}

}  // namespace reprise::container
