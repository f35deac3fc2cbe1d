// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "base/units.h"
#include "catalog/catalog.h"
#include "operations/container/containers.h"
#include "operations/container/pod_containers.h"
#include "operations/container/unnoticed.h"
#include "operations/diagnosis/findings.h"
#include "operations/diagnosis/node_checks.h"
#include "operations/store/waiting.h"
#include "podman/client.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::operations {
namespace {

constexpr std::chrono::seconds kProgramTimeout{20};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Finding check_criu(const Node&) {
  const std::vector<int> needed = {4, 2, 1};
  const auto text = sys::run_ok({"criu", "--version"}, kProgramTimeout);
  constexpr const char* kRemedy =
      "install criu 4.2.1 or newer (Debian testing has it); ./quickstart does so";
  if (!text) return {Health::kFail, {}, text.error().message(), kRemedy};
  const std::vector<int> found = parse_version(*text);
  // Older ones cannot dump sockets on kernels from 6.16 on.
  if (found < needed)
    return {Health::kFail, {}, first_line(*text) + " is too old, 4.2.1 is needed", kRemedy};
  return {Health::kOk, {}, first_line(*text), {}};
}

// CRIU's own probe of the kernel.
Finding check_criu_kernel(const Node&) {
  sys::SpawnOptions options;
  options.argv = {"criu", "check"};
  options.env = sys::default_environment();
  const auto result = sys::run(std::move(options), kProgramTimeout);
  if (!result) return {Health::kFail, {}, result.error().message(), "install criu"};
  if (result->status.success()) return {Health::kOk, {}, "'criu check' finds nothing missing", {}};
  return {Health::kFail,
          {},
          "'criu check' says: " + sys::last_line(result->err),
          "see 'criu check -v4' for what this kernel lacks"};
}

Finding check_runc(const Node& node) {
  const auto text = sys::run_ok({node.layout.runc.string(), "--version"}, kProgramTimeout);
  if (!text) return {Health::kFail, {}, text.error().message(), "install the package 'runc'"};
  const std::vector<int> needed = {1, 1, 15};
  if (parse_version(*text) < needed)
    return {Health::kWarn,
            {},
            first_line(*text) + " is older than any that is tested (1.1.15)",
            "install a newer runc; ./quickstart does so"};
  return {Health::kOk, {}, first_line(*text) + " (" + node.layout.runc.string() + ")", {}};
}

bool has_podman() { return sys::run_ok({"podman", "--version"}, kProgramTimeout).has_value(); }

Finding needs_no_podman() {
  return {Health::kInfo, {}, "no Podman, which a node of Kubernetes need not have", {}};
}

Finding check_podman(const Node& node) {
  const auto text = sys::run_ok({"podman", "--version"}, kProgramTimeout);
  if (!text && is_pod_node(node)) return needs_no_podman();
  if (!text) return {Health::kFail, {}, text.error().message(), "install the package 'podman'"};
  return {Health::kOk, {}, first_line(*text), {}};
}

bool is_program(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

// Reprise itself needs neither, so their lack is no failure of it.
Finding check_podman_helpers(const Node& node) {
  if (is_pod_node(node) && !has_podman()) return needs_no_podman();
  // Where Podman 5 looks (containers.conf, helper_binaries_dir and init_path).
  constexpr std::array<const char*, 6> kInitPlaces = {"/usr/libexec/podman/catatonit",
                                                      "/usr/local/libexec/podman/catatonit",
                                                      "/usr/local/lib/podman/catatonit",
                                                      "/usr/lib/podman/catatonit",
                                                      "/usr/bin/catatonit",
                                                      "/usr/libexec/catatonit/catatonit"};
  std::string missing;
  if (std::ranges::none_of(kInitPlaces, is_program)) missing = "'catatonit' ('podman pod create')";
  if (!sys::run_ok({"iptables-restore", "--version"}, kProgramTimeout))
    missing +=
        std::string(missing.empty() ? "" : " and ") + "'iptables' ('podman container checkpoint')";
  if (missing.empty()) return {Health::kOk, {}, "Podman has what it needs for pods and CRIU", {}};
  return {Health::kWarn, {}, "Podman lacks " + missing, "install them; ./quickstart does so"};
}

Finding check_runtime(const Node& node) {
  if (is_pod_node(node) && !has_podman()) return needs_no_podman();
  const auto known = podman::knows_runtime("reprise");
  if (!known) return {Health::kFail, {}, known.error().message(), known.error().hint()};
  if (*known) return {Health::kOk, {}, "Podman knows the runtime 'reprise'", {}};
  // `reprise run` then names the program by its path, so this is no obstacle.
  return {Health::kWarn,
          {},
          "Podman does not know a runtime 'reprise'",
          "register it in /etc/containers/containers.conf.d, as ./quickstart does; until then only "
          "'reprise run' finds it"};
}

Finding check_store(const Node& node) {
  constexpr std::uint64_t kLittle = std::uint64_t{1} << 30;
  const std::string where = "'" + node.layout.store.string() + "'";
  const auto there = catalog::Catalog::exists(node.layout.store);
  if (!there) return {Health::kFail, {}, there.error().message(), there.error().hint()};
  if (!*there)
    return {Health::kInfo,
            {},
            "there is no store at " + where + " yet, the first checkpoint makes it",
            "if there was one: is its disk mounted?"};
  // Existing is not enough: the disk may be mounted read-only.
  const std::filesystem::path probe = node.layout.store / ".doctor";
  if (const auto written = sys::replace_file(probe, "probe\n"); !written)
    return {Health::kFail, {}, written.error().message(), "make " + where + " writable for root"};
  static_cast<void>(sys::remove_tree(probe));
  const auto free = sys::free_bytes(node.layout.store);
  if (!free) return {Health::kFail, {}, free.error().message(), {}};
  const std::string text = where + " is writable, " + base::format_bytes(*free) + " free";
  if (*free < kLittle)
    return {Health::kWarn,
            {},
            text,
            "make room: a checkpoint needs about as much as the container's memory"};
  return {Health::kOk, {}, text, {}};
}

Finding check_privileges(const Node&) {
  if (::geteuid() != 0) return {Health::kFail, {}, "not root", "run it with sudo"};
  if (sys::has_cap_sys_resource()) return {Health::kOk, {}, "root with CAP_SYS_RESOURCE", {}};
  return {Health::kInfo,
          {},
          "root without CAP_SYS_RESOURCE: a restore cannot raise hard limits or make large pipes",
          {}};
}

Finding check_userfaultfd(const Node&) {
  // The sysctl exists exactly where the kernel was built with userfaultfd.
  std::error_code error;
  if (std::filesystem::exists("/proc/sys/vm/unprivileged_userfaultfd", error))
    return {Health::kOk, {}, "userfaultfd is there", {}};
  return {Health::kInfo,
          {},
          "no userfaultfd: memory cannot be filled in on demand",
          "use a kernel with CONFIG_USERFAULTFD"};
}

Finding check_pagemap_scan(const Node&) {
  utsname names{};
  ::uname(&names);
  const std::string release = names.release;
  const std::vector<int> needed = {6, 7};
  if (parse_version(release) < needed)
    return {Health::kInfo, {}, "kernel " + release + " has no PAGEMAP_SCAN (6.7)", {}};
  return {Health::kOk, {}, "kernel " + release + " has PAGEMAP_SCAN", {}};
}

Finding check_cgroups(const Node&) {
  std::error_code error;
  if (std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers", error))
    return {Health::kOk, {}, "cgroup v2", {}};
  if (std::filesystem::exists("/sys/fs/cgroup/freezer", error))
    return {Health::kOk, {}, "cgroup v1 with freezer", {}};
  return {Health::kFail,
          {},
          "neither cgroup v2 nor a cgroup v1 freezer at /sys/fs/cgroup",
          "mount cgroups"};
}

// Until somebody has looked after it.
Finding check_set_aside(const Node& node) {
  const auto found = set_aside(node.layout);
  if (!found) return {Health::kWarn, {}, found.error().message(), found.error().hint()};
  if (found->empty()) return {Health::kOk, {}, "nothing was set aside", {}};
  std::string text = found->front().what;
  if (found->size() > 1) text += ", and " + std::to_string(found->size() - 1) + " more";
  return {Health::kWarn, {}, std::move(text), found->front().remedy};
}

// What a Podman that was killed in the middle of a start leaves.
Finding check_noticed(const Node& node) {
  if (is_pod_node(node) && !has_podman())
    return {Health::kOk, {}, "'reprise ps' lists containers of pods", {}};
  const std::vector<Unnoticed> found = find_unnoticed();
  if (found.empty()) return {Health::kOk, {}, "Podman knows all that run under Reprise", {}};
  std::string text = "container '" + short_id(found.front().id) + "' " + found.front().text();
  if (found.size() > 1)
    text += " (and " + std::to_string(found.size() - 1) + " more: see 'reprise ps')";
  return {Health::kWarn, {}, std::move(text), found.front().remedy()};
}

constexpr std::array<HostCheck, 16> kHostChecks = {{
    {"privileges", check_privileges},
    {"criu", check_criu},
    {"kernel for criu", check_criu_kernel},
    {"runc", check_runc},
    {"podman", check_podman},
    {"podman's helpers", check_podman_helpers},
    {"runtime", check_runtime},
    {"store", check_store},
    {"key", check_key},
    {"uploads", check_uploads},
    {"agent", check_agent},
    {"containers", check_noticed},
    {"set aside", check_set_aside},
    {"cgroups", check_cgroups},
    {"userfaultfd", check_userfaultfd},
    {"page tracking", check_pagemap_scan},
}};

}  // namespace

std::string_view to_string(Health health) {
  constexpr std::array<std::string_view, 4> kNames = {"ok", "info", "warn", "fail"};
  return kNames.at(static_cast<std::size_t>(health));
}

std::span<const HostCheck> host_checks() { return kHostChecks; }

std::vector<Finding> check_host(const Node& node) {
  std::vector<Finding> findings;
  for (const HostCheck& check : kHostChecks) {
    Finding finding = check.check(node);
    finding.subject = check.subject;
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<int> parse_version(std::string_view text) {
  std::vector<int> version;
  const std::size_t begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return version;
  const char* next = text.data() + begin;
  const char* end = text.data() + text.size();
  while (next < end) {
    int number = 0;
    const auto [after, error] = std::from_chars(next, end, number);
    if (error != std::errc()) break;
    version.push_back(number);
    if (after == end || *after != '.') break;
    next = after + 1;
  }
  return version;
}

}  // namespace reprise::operations
