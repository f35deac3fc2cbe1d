// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "vetting/rules.h"

namespace reprise::vetting {

using base::Error;
using base::ErrorCode;
using image::CriuCredentials;
using image::CriuThread;

namespace {

const char* const kMoreHint =
    "if you trust it, restore it into a container that has it: options of 'podman run' may stand "
    "behind '--'";

Result<void> check_set(std::uint64_t asked, std::uint64_t granted, const std::string& who) {
  if (const std::uint64_t beyond = asked & ~granted; beyond != 0)
    return more(who, capability_name(static_cast<unsigned>(std::countr_zero(beyond))),
                "if you trust it, add '-- --cap-add NAME' to 'reprise restore'");
  return {};
}

Result<void> check_capabilities(const CriuCredentials& asked, const Grants& grants,
                                const std::string& who) {
  REPRISE_PASS(check_set(asked.bounding, grants.bounding, who));
  for (const std::uint64_t set :
       {asked.permitted, asked.effective, asked.inheritable, asked.ambient})
    REPRISE_PASS(check_set(set, grants.capabilities, who));
  // KEEP_CAPS is everybody's; all others need a capability to set.
  constexpr std::uint64_t kKeepCaps = 0x10;
  constexpr std::uint64_t kKnown = 0xFF;
  if ((asked.secure_bits & ~kKnown) != 0 ||
      ((asked.secure_bits & ~kKeepCaps) != 0 && !grants.may(kCapSetpcap)))
    return more(who, "other rules for capabilities (securebits)", kMoreHint);
  return {};
}

bool is_mapped(std::uint64_t id, const std::vector<image::CriuIdRange>& ranges) {
  return std::ranges::any_of(
      ranges, [&](const auto& one) { return id >= one.inside && id - one.inside < one.count; });
}

// Who may become somebody else by a program that is set-user-id may be anybody; who may not is what
// the container began as.
Result<void> check_identity(const CriuCredentials& asked, const Grants& grants,
                            const std::string& who) {
  const auto check = [&](std::uint64_t id, bool expected, const auto& ranges,
                         const char* what) -> Result<void> {
    if (expected && (ranges.empty() || is_mapped(id, ranges))) return {};
    return more(who, std::string(what) + " " + std::to_string(id), kMoreHint);
  };
  const bool any_user = !grants.no_new_privs || grants.may(kCapSetuid);
  for (const std::uint64_t id : asked.users)
    REPRISE_PASS(check(id, any_user || id == grants.user, grants.user_ids, "user"));
  const bool any_group = !grants.no_new_privs || grants.may(kCapSetgid);
  const auto check_group = [&](std::uint64_t id) {
    return check(id, any_group || grants.groups.contains(id), grants.group_ids, "group");
  };
  for (const std::uint64_t id : asked.groups) REPRISE_PASS(check_group(id));
  for (const std::uint64_t id : asked.other_groups) REPRISE_PASS(check_group(id));
  return {};
}

Result<void> check_limits(const CriuThread& thread, const Grants& grants, const std::string& who) {
  if (grants.may(kCapSysResource)) return {};
  for (const auto& [number, hard] : grants.hard_limits)
    if (number < thread.limits.size() && thread.limits[number].hard > hard)
      return more(
          who, "the limit " + limit_name(number) + "=" + std::to_string(thread.limits[number].hard),
          "the container's is " + std::to_string(hard) +
              "; if you trust it, add '-- --ulimit NAME=LIMIT' to 'reprise restore'");
  if (thread.oom_score_adj &&
      *thread.oom_score_adj < std::min<std::int64_t>(grants.oom_score_adj, 0))
    return more(who, "the OOM score " + std::to_string(*thread.oom_score_adj), kMoreHint);
  return {};
}

}  // namespace

std::unexpected<Error> more(const std::string& who, const std::string& what,
                            const std::string& hint) {
  Error error(ErrorCode::kDenied,
              who + " of the checkpoint asks for " + what + ", which the container does not have");
  if (!hint.empty()) error = std::move(error).with_hint(hint);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> unfiltered(const std::string& who) {
  return more(who, "system calls without a seccomp filter",
              "if you trust it, add '-- --security-opt seccomp=unconfined' to 'reprise restore'");
}

Result<void> check_rights(const CriuThread& thread, const Grants& grants, const std::string& who) {
  if (thread.dead) return {};
  const CriuCredentials& asked = thread.credentials;
  REPRISE_PASS(check_capabilities(asked, grants, who));
  if (grants.no_new_privs && !asked.no_new_privs)
    return more(who, "new privileges by its programs (no no_new_privs)", kMoreHint);
  if (asked.lsm_profile != grants.lsm_profile || asked.carries_lsm)
    return more(who,
                asked.lsm_profile.empty() ? "no LSM profile"
                                          : "the LSM profile '" + asked.lsm_profile + "'",
                kMoreHint);
  REPRISE_PASS(check_identity(asked, grants, who));
  REPRISE_PASS(check_limits(thread, grants, who));
  // SCHED_OTHER, SCHED_BATCH and SCHED_IDLE are everybody's.
  if (thread.scheduler != 0 && thread.scheduler != 3 && thread.scheduler != 5 &&
      !grants.may(kCapSysNice) && !grants.hard_limits.contains(14))
    return more(who, "real-time scheduling", kMoreHint);
  return {};
}

}  // namespace reprise::vetting
