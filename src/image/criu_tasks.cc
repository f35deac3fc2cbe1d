// SPDX-License-Identifier: Apache-2.0
#include "image/criu_tasks.h"

#include <algorithm>
#include <utility>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;
using enum CriuFieldKind;

namespace {

constexpr std::uint32_t kInventoryMagic = 0x58313116;
constexpr std::uint32_t kProcessesMagic = 0x50273030;
constexpr std::uint32_t kIdsMagic = 0x54432030;
constexpr std::uint32_t kSeccompMagic = 0x64413049;
constexpr std::uint32_t kUserNamespaceMagic = 0x55474906;

constexpr CriuField kInventory[] = {{1, kNumber},  {2, kNumber},  {3, kBytes},  {4, kNumber},
                                    {5, kNumber},  {6, kNumber},  {8, kLong},   {9, kNumber},
                                    {10, kNumber}, {11, kNumber}, {12, kBytes}, {13, kText},
                                    {14, kNumber}};
constexpr CriuField kPlugins[] = {{12, kMany}};
constexpr CriuField kIds[] = {{1, kNumber}, {2, kNumber},  {3, kNumber},  {4, kNumber},
                              {5, kNumber}, {6, kNumber},  {7, kNumber},  {8, kNumber},
                              {9, kNumber}, {10, kNumber}, {11, kNumber}, {12, kNumber}};
constexpr CriuField kProcess[] = {
    {1, kNumber}, {2, kNumber}, {3, kNumber}, {4, kNumber}, {5, kNumbers}};
// 2, 6 and 8 to 13 are the registers of one architecture each. 4, other ids of namespaces, is
// written by no version that is still about, so it stays unknown here.
constexpr CriuField kCore[] = {{1, kNumber}, {2, kBytes},  {3, kBytes}, {5, kBytes},
                               {6, kBytes},  {8, kBytes},  {9, kBytes}, {10, kBytes},
                               {11, kBytes}, {12, kBytes}, {13, kBytes}};
// 11 and 12: seccomp as CRIU 2 wrote it, unknown here for the same reason.
constexpr CriuField kTask[] = {
    {1, kNumber}, {2, kNumber},  {3, kNumber}, {4, kNumber},  {5, kLong},    {6, kText},
    {7, kBytes},  {8, kBytes},   {9, kNumber}, {10, kBytes},  {13, kNumber}, {14, kSigned},
    {15, kMany},  {18, kNumber}, {20, kLong},  {21, kNumber}, {22, kNumber}};
constexpr CriuField kThread[] = {{1, kLong},   {2, kNumber}, {3, kZigzag},  {4, kNumber},
                                 {5, kNumber}, {6, kLong},   {7, kBytes},   {8, kNumber},
                                 {9, kBytes},  {10, kBytes}, {11, kNumber}, {12, kNumber},
                                 {13, kText},  {14, kLong},  {15, kBytes},  {16, kNumber}};
constexpr CriuField kCredentials[] = {{1, kNumber},  {2, kNumber},   {3, kNumber},   {4, kNumber},
                                      {5, kNumber},  {6, kNumber},   {7, kNumber},   {8, kNumber},
                                      {9, kNumbers}, {10, kNumbers}, {11, kNumbers}, {12, kNumbers},
                                      {13, kNumber}, {14, kNumbers}, {15, kText},    {16, kText},
                                      {17, kBytes},  {18, kNumber},  {19, kNumbers}};
constexpr CriuField kLimits[] = {{1, kMany}};
constexpr CriuField kLimit[] = {{1, kLong}, {2, kLong}};
constexpr CriuField kSeccomp[] = {{1, kMany}};
constexpr CriuField kFilter[] = {{1, kBytes}, {2, kNumber}, {3, kNumber}};
constexpr CriuField kMaps[] = {{1, kMany}, {2, kMany}};
constexpr CriuField kMap[] = {{1, kNumber}, {2, kNumber}, {3, kNumber}};

// More tasks, or filters, than any container has.
constexpr std::size_t kMostTasks = 4'000'000;
constexpr std::size_t kMostFilters = 65536;

Result<CriuMessage> only(std::string_view file, std::uint32_t magic,
                         std::span<const CriuField> fields, std::string_view what) {
  const auto messages = REPRISE_PASS(criu_messages(file, magic, what, 1));
  if (messages.empty()) return damaged(what);
  return CriuMessage::parse(messages.front(), fields, what);
}

// The kernel has 64 capabilities at most, which CRIU writes as two words of 32 bits.
Result<std::uint64_t> capabilities(const CriuMessage& creds, std::uint32_t field) {
  const auto& words = creds.numbers(field);
  if (words.size() > 2) return damaged("a core image");
  std::uint64_t set = 0;
  for (std::size_t i = 0; i < words.size(); ++i) set |= words[i] << (i * 32);
  return set;
}

Result<CriuCredentials> decode_credentials(std::string_view bytes) {
  const CriuMessage creds = REPRISE_PASS(CriuMessage::parse(bytes, kCredentials, "a core image"));
  CriuCredentials result;
  constexpr std::uint32_t kUser[] = {1, 3, 5, 7};
  constexpr std::uint32_t kGroup[] = {2, 4, 6, 8};
  for (std::size_t i = 0; i < result.users.size(); ++i) {
    if (!creds.has(kUser[i]) || !creds.has(kGroup[i])) return damaged("a core image");
    result.users.at(i) = creds.number(kUser[i]);
    result.groups.at(i) = creds.number(kGroup[i]);
  }
  result.other_groups = creds.numbers(14);
  result.inheritable = REPRISE_PASS(capabilities(creds, 9));
  result.permitted = REPRISE_PASS(capabilities(creds, 10));
  result.effective = REPRISE_PASS(capabilities(creds, 11));
  result.bounding = REPRISE_PASS(capabilities(creds, 12));
  result.ambient = REPRISE_PASS(capabilities(creds, 19));
  result.secure_bits = creds.number(13);
  result.no_new_privs = creds.number(18) != 0;
  result.lsm_profile = creds.text(15);
  result.carries_lsm = creds.has(16) || creds.has(17);
  return result;
}

Result<std::vector<CriuLimit>> decode_limits(const CriuMessage& task) {
  std::vector<CriuLimit> limits;
  const CriuMessage list = REPRISE_PASS(CriuMessage::parse(task.bytes(8), kLimits, "a core image"));
  for (const std::string_view entry : list.many(1)) {
    const CriuMessage limit = REPRISE_PASS(CriuMessage::parse(entry, kLimit, "a core image"));
    limits.push_back({.soft = limit.number(1), .hard = limit.number(2)});
  }
  return limits;
}

CriuNamespaces namespaces(const CriuMessage& ids) {
  return {.pid = ids.number(5),
          .net = ids.number(6),
          .ipc = ids.number(7),
          .uts = ids.number(8),
          .mnt = ids.number(9),
          .user = ids.number(10),
          .cgroup = ids.number(11),
          .time = ids.number(12)};
}

Result<std::vector<CriuIdRange>> id_ranges(const std::vector<std::string_view>& entries) {
  std::vector<CriuIdRange> ranges;
  for (const std::string_view entry : entries) {
    const CriuMessage map = REPRISE_PASS(CriuMessage::parse(entry, kMap, "a map of user ids"));
    ranges.push_back({.inside = map.number(1), .outside = map.number(2), .count = map.number(3)});
  }
  return ranges;
}

}  // namespace

Result<CriuThread> decode_thread(std::string_view file) {
  const CriuMessage core = REPRISE_PASS(only(file, kCoreMagic, kCore, "a core image"));
  CriuThread thread;
  if (core.has(3)) {
    const CriuMessage task = REPRISE_PASS(CriuMessage::parse(core.bytes(3), kTask, "a core image"));
    constexpr std::uint64_t kDead = 2;
    constexpr std::uint64_t kZombie = 6;
    thread.dead = task.number(1) == kDead || task.number(1) == kZombie;
    thread.limits = REPRISE_PASS(decode_limits(task));
    if (task.has(14)) thread.oom_score_adj = static_cast<std::int64_t>(task.number(14));
    thread.cgroup_set = task.number(9);
  }
  // Without it CRIU would leave its own rights to the task.
  if (!core.has(5)) {
    if (thread.dead) return thread;
    return damaged("a core image");
  }
  const CriuMessage rights =
      REPRISE_PASS(CriuMessage::parse(core.bytes(5), kThread, "a core image"));
  if (!rights.has(10) && !thread.dead) return damaged("a core image");
  if (rights.has(10)) thread.credentials = REPRISE_PASS(decode_credentials(rights.bytes(10)));
  constexpr std::uint64_t kStrict = 1;
  constexpr std::uint64_t kFilterMode = 2;
  const std::uint64_t mode = rights.number(11);
  if (mode > kFilterMode) return damaged("a core image");
  thread.seccomp_strict = mode == kStrict;
  if (mode == kFilterMode) thread.seccomp_filter = static_cast<std::uint32_t>(rights.number(12));
  thread.scheduler = rights.number(4);
  if (rights.has(16)) thread.cgroup_set = rights.number(16);
  return thread;
}

Result<CriuNamespaces> decode_ids(std::string_view file) {
  return namespaces(REPRISE_PASS(only(file, kIdsMagic, kIds, "an image of ids")));
}

Result<CriuInventory> decode_inventory(std::string_view file) {
  // The only image with one magic number: it says that the others have two.
  const std::string_view bytes =
      REPRISE_PASS(only_after_magic(file, kInventoryMagic, "the inventory"));
  const CriuMessage message = REPRISE_PASS(CriuMessage::parse(bytes, kInventory, "the inventory"));
  constexpr std::uint64_t kWithTwo = 2;
  if (message.number(1) != kWithTwo)
    return fail(ErrorCode::kUnsupported, "the images of CRIU are of another version");
  CriuInventory inventory;
  if (!message.has(3)) return damaged("the inventory");
  inventory.host =
      namespaces(REPRISE_PASS(CriuMessage::parse(message.bytes(3), kIds, "the inventory")));
  inventory.cgroup_set = message.number(5);
  const CriuMessage plugins =
      REPRISE_PASS(CriuMessage::parse(message.bytes(12), kPlugins, "the inventory"));
  for (const std::string_view name : plugins.many(12)) inventory.plugins.emplace_back(name);
  return inventory;
}

Result<std::vector<CriuProcess>> decode_processes(std::string_view file) {
  std::vector<CriuProcess> processes;
  const auto messages =
      REPRISE_PASS(criu_messages(file, kProcessesMagic, "the list of processes", kMostTasks));
  for (const std::string_view bytes : messages) {
    const CriuMessage one =
        REPRISE_PASS(CriuMessage::parse(bytes, kProcess, "the list of processes"));
    processes.push_back({.pid = one.number(1), .parent = one.number(2), .threads = one.numbers(5)});
  }
  if (processes.empty()) return damaged("the list of processes");
  return processes;
}

Result<std::vector<CriuSeccompFilter>> decode_seccomp(std::string_view file) {
  constexpr std::string_view kWhat = "the image of seccomp filters";
  const auto messages = REPRISE_PASS(criu_messages(file, kSeccompMagic, kWhat, 1));
  std::vector<CriuSeccompFilter> filters;
  if (messages.empty()) return filters;
  const CriuMessage list = REPRISE_PASS(CriuMessage::parse(messages.front(), kSeccomp, kWhat));
  if (list.many(1).size() > kMostFilters) return damaged(kWhat);
  for (const std::string_view bytes : list.many(1)) {
    const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kFilter, kWhat));
    CriuSeccompFilter filter{.program = one.text(1), .older = {}, .flags = one.number(3)};
    // CRIU follows them until there is none; one that does not point backwards may never end.
    if (one.has(2)) {
      if (one.number(2) >= list.many(1).size()) return damaged(kWhat);
      filter.older = static_cast<std::uint32_t>(one.number(2));
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

std::string encode_seccomp(const std::vector<CriuSeccompFilter>& filters) {
  CriuMessageWriter list;
  for (const CriuSeccompFilter& filter : filters) {
    CriuMessageWriter one;
    one.add(1, filter.program);
    if (filter.older) one.add(2, std::uint64_t{*filter.older});
    if (filter.flags != 0) one.add(3, filter.flags);
    list.add(1, one.bytes());
  }
  return encode_criu_image(kSeccompMagic, list);
}

Result<CriuUserNamespace> decode_user_namespace(std::string_view file) {
  const CriuMessage message =
      REPRISE_PASS(only(file, kUserNamespaceMagic, kMaps, "the map of user ids"));
  CriuUserNamespace result;
  result.users = REPRISE_PASS(id_ranges(message.many(1)));
  result.groups = REPRISE_PASS(id_ranges(message.many(2)));
  return result;
}

}  // namespace reprise::image
