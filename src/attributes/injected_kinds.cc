// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <sstream>

#include "attributes/internal/attribute_kinds.h"
#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/seized_thread.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::Result;
using std::filesystem::path;

namespace {

using Value = std::optional<std::string>;

constexpr std::chrono::seconds kPatience{1};

Result<void> inject(pid_t tid, long number, const sys::SeizedThread::Arguments& arguments) {
  auto thread = REPRISE_PASS(sys::SeizedThread::seize(tid, kPatience));
  const long result = REPRISE_PASS(thread.call(number, arguments));
  if (result < 0) return base::fail_errno(static_cast<int>(-result), "setting");
  return {};
}

// --- speculation control: the words that status has for it

constexpr int kSpeculationControl = 53;  // PR_SET_SPECULATION_CTRL

struct Speculation {
  const char* field;
  std::uint64_t which;
  const char* disabled;
  const char* force_disabled;
};
constexpr Speculation kStoreBypass{"Speculation_Store_Bypass", 0, "thread mitigated",
                                   "thread force mitigated"};
constexpr Speculation kIndirectBranch{"SpeculationIndirectBranch", 1, "conditional disabled",
                                      "conditional force disabled"};

template <const Speculation& kWhat>
Value read_speculation(const path& task, pid_t) {
  std::string now =
      container::status_field(sys::read_file(task / "status").value_or(""), kWhat.field);
  if (now != kWhat.disabled && now != kWhat.force_disabled) return std::nullopt;
  return now;
}

template <const Speculation& kWhat>
Result<void> set_speculation(const path&, pid_t tid, const std::string& value) {
  constexpr std::uint64_t kDisable = 4;
  constexpr std::uint64_t kForceDisable = 8;
  return inject(
      tid, SYS_prctl,
      {kSpeculationControl, kWhat.which, value == kWhat.force_disabled ? kForceDisable : kDisable});
}

// --- personality

Value read_personality(const path& task, pid_t) {
  auto text = sys::read_file(task / "personality");
  if (!text) return std::nullopt;
  while (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

Result<void> set_personality(const path&, pid_t tid, const std::string& value) {
  constexpr int kHex = 16;
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), number, kHex);
  if (error != std::errc() || end != value.data() + value.size())
    return fail(ErrorCode::kCorrupt, "'" + value + "' is no personality");
  return inject(tid, SYS_personality, {number});
}

// --- merging of equal pages

Value read_merging(const path& task, pid_t) {
  const auto text = sys::read_file(task / "ksm_stat");
  if (!text || text->find("ksm_merge_any: yes") == std::string::npos) return std::nullopt;
  return "yes";
}

Result<void> set_merging(const path&, pid_t tid, const std::string&) {
  constexpr int kMemoryMerge = 67;  // PR_SET_MEMORY_MERGE
  return inject(tid, SYS_prctl, {kMemoryMerge, 1});
}

// --- NUMA policy of a thread

// Of the first mapping, the program's own, which has none of its own: so it is that of the thread.
// Reading all of the file would walk through all pages.
Value read_numa_policy(const path& task, pid_t) {
  constexpr std::size_t kBegin = 64;  // no more lines are made than fit
  const auto file = sys::open_file(task / "numa_maps", O_RDONLY);
  if (!file) return std::nullopt;
  std::string text(kBegin, '\0');
  const ssize_t size = ::read(file->get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  text.resize(std::min(static_cast<std::size_t>(size), text.find('\n')));
  const std::string policy(policy_in(text));
  if (policy.empty() || policy == "default") return std::nullopt;
  return policy;
}

Result<void> set_numa_policy(const path&, pid_t tid, const std::string& value) {
  const NumaPolicy policy = REPRISE_PASS(parse_numa_policy(value));
  auto thread = REPRISE_PASS(sys::SeizedThread::seize(tid, kPatience));
  const std::uint64_t at = REPRISE_PASS(thread.place(&policy.nodes, sizeof(policy.nodes)));
  constexpr std::uint64_t kMostNodes = 65;  // the kernel takes one less
  const long result = REPRISE_PASS(thread.call(
      SYS_set_mempolicy, {static_cast<std::uint64_t>(policy.mode), policy.nodes == 0 ? 0 : at,
                          policy.nodes == 0 ? 0 : kMostNodes}));
  if (result < 0) return base::fail_errno(static_cast<int>(-result), "setting");
  return {};
}

// --- no memory that is both writable and executable: the kernel tells it only to the task

constexpr int kSetDenial = 65;  // PR_SET_MDWE
constexpr int kGetDenial = 66;

Value read_denial(const path&, pid_t) { return std::nullopt; }

Result<void> set_denial(const path&, pid_t tid, const std::string& value) {
  std::uint64_t flags = 0;
  std::from_chars(value.data(), value.data() + value.size(), flags);
  return inject(tid, SYS_prctl, {kSetDenial, flags});
}

constexpr std::array kInjectedKinds = std::to_array<AttributeKind>({
    {"store-bypass-speculation", SetBy::kTask, OwnedBy::kThread, Usual::kNothing,
     read_speculation<kStoreBypass>, set_speculation<kStoreBypass>},
    {"indirect-branch-speculation", SetBy::kTask, OwnedBy::kThread, Usual::kNothing,
     read_speculation<kIndirectBranch>, set_speculation<kIndirectBranch>},
    {"personality", SetBy::kTask, OwnedBy::kThread, Usual::kOurs, read_personality,
     set_personality},
    {"merging-of-equal-pages", SetBy::kTask, OwnedBy::kProcess, Usual::kNothing, read_merging,
     set_merging},
    {kDenialName, SetBy::kTask, OwnedBy::kProcess, Usual::kNothing, read_denial, set_denial},
    {"numa-policy", SetBy::kTask, OwnedBy::kThread, Usual::kNothing, read_numa_policy,
     set_numa_policy},
});

// Longer names before those that they begin with.
constexpr std::array<std::pair<std::string_view, int>, 7> kModes = {{{"default", 0},
                                                                     {"prefer (many)", 5},
                                                                     {"prefer", 1},
                                                                     {"bind", 2},
                                                                     {"interleave", 3},
                                                                     {"local", 4},
                                                                     {"weighted interleave", 6}}};

}  // namespace

std::span<const AttributeKind> kinds_set_by_tasks() { return kInjectedKinds; }

Result<Value> ask_denial(pid_t process) {
  constexpr std::chrono::milliseconds kShortPatience{100};  // a stop waits for it
  auto thread = REPRISE_PASS(sys::SeizedThread::seize(process, kShortPatience));
  const long flags = REPRISE_PASS(thread.call(SYS_prctl, {kGetDenial}));
  if (flags <= 0) return Value();  // none, or a kernel before 6.3
  return Value(std::to_string(flags));
}

std::string_view policy_in(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return {};
  line.remove_prefix(blank + 1);
  for (const auto& [name, mode] : kModes)
    if (line.starts_with(name)) return line.substr(0, line.find(' ', name.size()));
  return {};
}

Result<NumaPolicy> parse_numa_policy(std::string_view text) {
  const auto bad = [text] {
    return fail(ErrorCode::kCorrupt, "'" + std::string(text) + "' is no NUMA policy");
  };
  NumaPolicy policy;
  std::string_view rest;
  const auto* const known =
      std::ranges::find_if(kModes, [&](const auto& mode) { return text.starts_with(mode.first); });
  if (known == kModes.end()) return bad();
  policy.mode = known->second;
  rest = text.substr(known->first.size());
  const std::string_view flags = rest.substr(0, rest.find(':'));
  rest.remove_prefix(flags.size());
  if (flags.find("static") != std::string_view::npos) policy.mode |= MPOL_F_STATIC_NODES;
  if (flags.find("relative") != std::string_view::npos) policy.mode |= MPOL_F_RELATIVE_NODES;
  if (!flags.empty() && !flags.starts_with('=')) return bad();
  if (rest.empty()) return policy;
  std::istringstream ranges{std::string(rest.substr(1))};
  for (std::string range; std::getline(ranges, range, ',');) {
    constexpr unsigned kMostNodes = 64;
    unsigned first = kMostNodes;
    std::from_chars(range.data(), range.data() + range.size(), first);
    unsigned last = first;
    if (const std::size_t dash = range.find('-'); dash != std::string::npos)
      std::from_chars(range.data() + dash + 1, range.data() + range.size(), last);
    if (first > last || last >= kMostNodes) return bad();
    for (unsigned node = first; node <= last; ++node) policy.nodes |= std::uint64_t{1} << node;
  }
  return policy;
}

}  // namespace reprise::attributes
