// SPDX-License-Identifier: Apache-2.0
#include "container/io_uring.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "sys/files.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
// The order of keys is the engine's: what we do not mean to change stays as it was.
using json = nlohmann::ordered_json;

namespace {

constexpr std::array<std::string_view, 3> kCalls = {"io_uring_setup", "io_uring_enter",
                                                    "io_uring_register"};

bool is_ours(const json& name) {
  return name.is_string() &&
         std::ranges::find(kCalls, name.get_ref<const std::string&>()) != kCalls.end();
}

// libseccomp kills a program that makes system calls of an architecture which the filter does not
// know, so a filter that is to allow everything must know all that this kernel can run.
json native_architectures() {
#if defined(__x86_64__)
  return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
  return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
  return json::array();  // runc adds the one that it was built for
#endif
}

json rule() { return {{"names", kCalls}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}}; }

// Two rules of different actions for the same call are an error for runc.
void drop_rules(json& rules) {
  for (json& one : rules) {
    json kept = json::array();
    for (const json& name : one.at("names").get_ref<const json::array_t&>())
      if (!is_ours(name)) kept.push_back(name);
    one["names"] = std::move(kept);
  }
  std::erase_if(rules.get_ref<json::array_t&>(),
                [](const json& one) { return one.at("names").empty(); });
}

void edit(json& config) {
  json& seccomp = config["linux"]["seccomp"];
  if (seccomp["syscalls"].is_null()) seccomp["syscalls"] = json::array();
  // A profile without a default action and rules is none, to runc as well.
  if (seccomp.value("defaultAction", "").empty() && seccomp["syscalls"].empty()) {
    seccomp["defaultAction"] = "SCMP_ACT_ALLOW";
    seccomp["architectures"] = native_architectures();
  }
  json& rules = seccomp["syscalls"];
  drop_rules(rules);
  rules.push_back(rule());
}

}  // namespace

Result<std::string> without_io_uring(std::string_view config) {
  try {
    json parsed = json::parse(config);
    edit(parsed);
    return parsed.dump();
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt, std::string("not an OCI configuration: ") + error.what());
  }
}

Result<void> refuse_io_uring(const std::filesystem::path& bundle) {
  const std::filesystem::path file = bundle / "config.json";
  const std::string config = REPRISE_PASS(sys::read_file(file));
  const std::string edited =
      REPRISE_TRY(without_io_uring(config), "editing '" + file.string() + "'");
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0)
    return base::fail_errno(errno, "examining '" + file.string() + "'");
  constexpr mode_t kPermissions = 07777;
  return sys::replace_file(file, edited, status.st_mode & kPermissions);
}

}  // namespace reprise::container
